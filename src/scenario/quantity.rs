//! Distributions, from their tables.

use crate::dist::Distribution;
use crate::scenario::tree::{Field, Item, Table, Tree};
use crate::time::Micros;

/// The distribution that a value stands for, in microseconds or bytes: a bare value is a constant.
pub(super) fn distribution(tree: &Tree) -> Option<Distribution> {
    match &tree.item {
        Item::Table(table) => table.fields.iter().find_map(family),
        _ => tree.quantity().map(Distribution::Constant),
    }
}

/// The distribution at a key.
pub(super) fn at(table: &Table, key: &str) -> Option<Distribution> {
    distribution(table.get(key)?)
}

fn family(field: &Field) -> Option<Distribution> {
    let list = field.tree.list();
    let table = field.tree.table();
    let value = |key: &str| table?.quantity(key);
    Some(match field.key.as_str() {
        "uniform" => Distribution::Uniform { low: list?.first()?.quantity()?, high: list?.get(1)?.quantity()? },
        "exponential" => Distribution::Exponential { mean: field.tree.quantity()? },
        "normal" => Distribution::Normal { mean: value("mean")?, sd: value("sd")? },
        "lognormal" => Distribution::LogNormal { median: value("median")?, sigma: value("sigma")? },
        "gamma" => Distribution::Gamma { shape: value("shape")?, mean: value("mean")? },
        "pareto" => Distribution::Pareto { minimum: value("minimum")?, shape: value("shape")? },
        "weibull" => Distribution::Weibull { scale: value("scale")?, shape: value("shape")? },
        "file" => match &field.tree.item {
            Item::Values(values) => Distribution::Empirical(values.clone()),
            _ => return None,
        },
        _ => return None,
    })
}

/// The lowest value that a distribution of times can have, where it has one above zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are non-negative and at most a year"
)]
pub(super) fn lowest(distribution: &Distribution) -> Option<Micros> {
    let lowest = match distribution {
        Distribution::Constant(value) => *value,
        Distribution::Uniform { low, .. } => *low,
        Distribution::Pareto { minimum, .. } => *minimum,
        Distribution::Empirical(values) => values.iter().copied().fold(f64::INFINITY, f64::min),
        Distribution::Exponential { .. }
        | Distribution::Normal { .. }
        | Distribution::LogNormal { .. }
        | Distribution::Gamma { .. }
        | Distribution::Weibull { .. } => return None,
    };
    Some(Micros::new(lowest as u64)).filter(|us| *us > Micros::ZERO)
}
