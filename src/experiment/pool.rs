//! Work in parallel, results in order, only a few of them waiting.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// Tasks that may be ahead of the oldest unfinished one, for each thread.
const AHEAD: usize = 4;

/// Runs `work` on every task in `threads` and gives the results to `take` on this thread, in the order of `tasks`.
///
/// Tasks that have not begun when `take` refuses a result are not begun. `work` must not panic.
pub(super) fn in_order<T: Sync, R: Send, E>(
    threads: &rayon::ThreadPool,
    tasks: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let window = threads.current_num_threads() * AHEAD;
    let stopped = AtomicBool::new(false);
    let (stopped, work) = (&stopped, &work);
    threads.in_place_scope_fifo(|scope| {
        let (send, receive) = mpsc::channel();
        let mut begun = 0;
        let mut early = BTreeMap::new();
        for (next, task) in tasks.iter().enumerate() {
            while begun < tasks.len().min(next + window) {
                let (send, index) = (send.clone(), begun);
                scope.spawn_fifo(move |_| {
                    let result = (!stopped.load(Ordering::Relaxed)).then(|| work(&tasks[index]));
                    // The receiver is gone only when the run has stopped: then nobody misses the result.
                    drop(send.send((index, result)));
                });
                begun += 1;
            }
            let result = loop {
                if let Some(result) = early.remove(&next) {
                    break result;
                }
                let Ok((index, Some(result))) = receive.recv() else { continue };
                early.insert(index, result);
            };
            take(task, result).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
        }
        Ok(())
    })
}
