//! Durations as `java.time.Duration` reads them: `PnDTnHnMn.nS`, each part with a sign of its own.

const NANOS: i128 = 1_000_000_000;

/// The duration in nanoseconds; `None` if the text is none, or is longer than Java can hold.
pub(crate) fn nanos(text: &str) -> Option<i128> {
    let text = text.to_ascii_uppercase();
    let (factor, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let rest = rest.strip_prefix('P')?;
    let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
    if time.is_none_or(str::is_empty) && (time.is_some() || days.is_empty()) {
        return None;
    }
    let mut total = 0;
    let rest = part(days, 'D', 86_400, &mut total)?;
    let rest = if rest.is_empty() { time.unwrap_or_default() } else { return None };
    let rest = part(rest, 'H', 3_600, &mut total)?;
    let rest = part(rest, 'M', 60, &mut total)?;
    let rest = seconds(rest, &mut total)?;
    let fits = i64::try_from(total.div_euclid(NANOS)).is_ok();
    (rest.is_empty() && fits).then_some(total * factor)
}

/// Adds a whole number before `unit`, if one stands first; answers with what follows it.
fn part<'a>(text: &'a str, unit: char, seconds: i128, total: &mut i128) -> Option<&'a str> {
    let Some((number, rest)) = text.split_once(unit) else { return Some(text) };
    *total += i128::from(whole(number)?) * seconds * NANOS;
    Some(rest)
}

/// Adds `n.nS`, with at most nine digits behind the point or comma.
fn seconds<'a>(text: &'a str, total: &mut i128) -> Option<&'a str> {
    let Some((number, rest)) = text.split_once('S') else { return Some(text) };
    let (before, behind) = number.split_once(['.', ',']).unwrap_or((number, ""));
    if behind.len() > 9 || !behind.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction = format!("{behind:0<9}").parse::<i128>().ok()?;
    let fraction = if before.starts_with('-') { -fraction } else { fraction };
    *total += i128::from(whole(before)?) * NANOS + fraction;
    Some(rest)
}

/// A whole number, with or without a sign.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}
