//! Shows the figures.

use super::{
    Contender,
    figures::{Figures, FunctionFigures, Report, count},
    overload::{self, Callers},
    processor::Spent,
};
use toolchain::progress::say;

/// The functions beside their floors, their sizes, what a token costs that was never seen, and where the processor time
/// goes.
pub fn show(report: &Report) {
    show_speed(report);
    show_sizes(report);
    show_new_tokens(report);
    show_queue(report);
    show_overload(report);
    show_processor(report);
}

fn show_speed(report: &Report) {
    let mut speed = vec![cells(&["", "requests/s", "p50 ms", "p99 ms", "of the floor", "of it behind the gateway"])];
    for (name, function) in &report.functions {
        for (&contender, figures) in &function.contenders {
            let mut row = cells(&[&label(name, contender)]);
            row.extend([
                format!("{:.0}", figures.requests_per_second),
                format!("{:.1}", figures.p50_ms),
                format!("{:.1}", figures.p99_ms),
            ]);
            if !contender.is_floor() {
                let behind_gateway = function.ratio(contender, Contender::FloorBehindGateway);
                row.extend([function.share_of_floor(contender), behind_gateway].map(per_cent));
            }
            speed.push(row);
        }
    }
    print(&speed);
}

fn show_sizes(report: &Report) {
    let mut size = vec![cells(&["", "database calls", "vendor calls", "runtime CPU ms", "wasm KB", "gzipped KB"])];
    for (name, function) in &report.functions {
        size.push(vec![
            name.clone(),
            format!("{:.2}", function.database_calls),
            format!("{:.2}", function.vendor_calls),
            milliseconds(runtime(function, Contender::Function)),
            format!("{:.0}", count(function.wasm_bytes) / 1000.0),
            format!("{:.0}", count(function.wasm_gzipped_bytes) / 1000.0),
        ]);
    }
    print(&size);
}

fn show_overload(report: &Report) {
    let headings = [
        "twice what the search can serve, by the second",
        "offered",
        "accepted",
        "refused",
        "hung up",
        "failed",
        "p50 ms",
        "p99 ms",
        "p99 ms refused",
        "MB before",
        "at most",
        "after",
        "recovered ms",
    ];
    let mut table = vec![cells(&headings)];
    for (callers, figures) in &report.overload {
        let label = match callers {
            Callers::Wait => "  callers wait for their answer",
            Callers::HangUp => "  callers hang up and ask again",
            Callers::Vanish => "  the same, and the runtime does not notice",
        };
        let mut row = cells(&[label]);
        let overload::Figures { offered, accepted, refused, hung_up, failed, .. } = figures;
        row.extend([offered, accepted, refused, hung_up, failed].map(|rate| format!("{rate:.0}")));
        row.extend(
            [
                figures.accepted_p50_ms,
                figures.accepted_p99_ms,
                figures.refused_p99_ms,
                figures.megabytes_before,
                figures.megabytes_most,
                figures.megabytes_after,
                figures.recovered_after_ms,
            ]
            .map(|figure| format!("{figure:.0}")),
        );
        table.push(row);
    }
    if table.len() > 1 {
        print(&table);
    }
}

/// What the public-key operation makes of the same requests. Without figures for it there is nothing to show.
fn show_new_tokens(report: &Report) {
    let headings = ["a first-seen token beside a remembered one", "requests/s", "more runtime CPU ms"];
    let mut table = vec![cells(&headings)];
    for (name, function) in &report.functions {
        let Some(ratio) = function.ratio(Contender::FunctionWithNewTokens, Contender::Function) else { continue };
        let spent = |contender| runtime(function, contender);
        let more = spent(Contender::FunctionWithNewTokens).zip(spent(Contender::Function)).map(|(new, old)| new - old);
        table.push(vec![name.clone(), per_cent(Some(ratio)), milliseconds(more)]);
    }
    if table.len() > 1 {
        print(&table);
    }
}

/// What the queue gets through. Without figures for it there is nothing to show.
fn show_queue(report: &Report) {
    let mut table = vec![cells(&["runners", "jobs/s that do nothing"])];
    for (runners, speed) in &report.jobs_per_second {
        table.push(vec![runners.to_string(), format!("{speed:.0}")]);
    }
    if table.len() > 1 {
        print(&table);
    }
}

/// Where the time goes. Without figures for it there is nothing to show.
fn show_processor(report: &Report) {
    let parts = super::PARTS;
    let mut table = vec![cells(&["CPU ms a request"])];
    table[0].extend(parts.map(str::to_owned));
    for (name, function) in &report.functions {
        for (contender, Figures { processor_ms, .. }) in &function.contenders {
            if !processor_ms.is_empty() {
                let mut row = cells(&[&label(name, *contender)]);
                row.extend(parts.map(|part| milliseconds(processor_ms.get(part).copied())));
                table.push(row);
            }
        }
    }
    if table.len() > 1 {
        print(&table);
    }
}

/// The same functions in an earlier bench.
pub fn compare(report: &Report, baseline: &Report, name: &str) {
    let headings = format!("as many times as in {name}");
    let mut table =
        vec![cells(&[&headings, "requests/s", "p50", "p99", "runtime CPU", "share of the floor", "gzipped"])];
    for (name, function) in &report.functions {
        let Some(before) = baseline.functions.get(name) else { continue };
        for contender in [Contender::Function, Contender::FunctionWithNewTokens] {
            let figures = |function: &FunctionFigures| function.contenders.get(&contender).cloned();
            let (Some(now), Some(then)) = (figures(function), figures(before)) else { continue };
            table.push(vec![
                label(name, contender),
                times(Some(now.requests_per_second), Some(then.requests_per_second)),
                times(Some(now.p50_ms), Some(then.p50_ms)),
                times(Some(now.p99_ms), Some(then.p99_ms)),
                times(runtime(function, contender), runtime(before, contender)),
                times(function.share_of_floor(contender), before.share_of_floor(contender)),
                times(Some(count(function.wasm_gzipped_bytes)), Some(count(before.wasm_gzipped_bytes))),
            ]);
        }
    }
    print(&table);
}

fn runtime(function: &FunctionFigures, contender: Contender) -> Option<f64> {
    let spent: &Spent = &function.contenders.get(&contender)?.processor_ms;
    spent.get(super::RUNTIME).copied()
}

fn label(function: &str, contender: Contender) -> String {
    match contender {
        Contender::Function => function.to_owned(),
        Contender::FunctionWithNewTokens => "  every token seen for the first time".to_owned(),
        Contender::Floor => "  floor: PostgREST alone".to_owned(),
        Contender::FloorBehindGateway => "  floor behind the gateway".to_owned(),
        Contender::StorageFloor => "  floor: Storage alone".to_owned(),
    }
}

fn cells(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn per_cent(ratio: Option<f64>) -> String {
    ratio.map(|ratio| format!("{:.0} %", ratio * 100.0)).unwrap_or_default()
}

fn milliseconds(milliseconds: Option<f64>) -> String {
    milliseconds.map(|milliseconds| format!("{milliseconds:.2}")).unwrap_or_default()
}

fn times(now: Option<f64>, before: Option<f64>) -> String {
    let ratio = now.zip(before).filter(|(_, before)| *before > 0.0).map(|(now, before)| now / before);
    ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default()
}

/// Columns as wide as what is in them; the first to the left, numbers to the right.
fn print(rows: &[Vec<String>]) {
    say!("");
    for row in rows {
        let cell = |(column, text): (usize, &String)| {
            let width = rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max();
            let width = width.unwrap_or_default();
            if column == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        let line: Vec<String> = row.iter().enumerate().map(cell).collect();
        say!("{}", line.join("   ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::times;

    #[test]
    fn what_was_not_measured_stays_blank() {
        assert_eq!(times(Some(3.0), Some(2.0)), "1.50");
        assert_eq!(times(None, Some(2.0)), "");
        assert_eq!(times(Some(3.0), Some(0.0)), "");
    }
}
