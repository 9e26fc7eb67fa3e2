//! Work in parallel, results in order, only a few of them waiting.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// Tasks that may be ahead of the oldest unfinished one, for each thread.
const AHEAD: usize = 4;

/// What is done with results, on the thread that called.
pub(super) trait Taker<T, R> {
    /// Why no more results are wanted.
    type Error;

    /// A result has come, out of order.
    fn come(&mut self, task: &T, result: &R) -> Result<(), Self::Error>;

    /// A result, in the order of the tasks.
    fn take(&mut self, task: &T, result: R) -> Result<(), Self::Error>;
}

/// Runs `work` on every task in `threads` and gives the results to `taker` on this thread.
///
/// Tasks that have not begun when the taker refuses a result are not begun. `work` must not panic.
pub(super) fn in_order<T: Sync, R: Send, K: Taker<T, R>>(
    threads: &rayon::ThreadPool,
    tasks: &[T],
    work: impl Fn(&T) -> R + Sync,
    taker: &mut K,
) -> Result<(), K::Error> {
    let window = threads.current_num_threads() * AHEAD;
    let stopped = AtomicBool::new(false);
    let (stopped, work) = (&stopped, &work);
    let stop = |_: &_| stopped.store(true, Ordering::Relaxed);
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
                taker.come(&tasks[index], &result).inspect_err(stop)?;
                early.insert(index, result);
            };
            taker.take(task, result).inspect_err(stop)?;
        }
        Ok(())
    })
}
