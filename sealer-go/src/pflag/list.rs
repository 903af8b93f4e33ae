//! Lists in one value, as `encoding/csv` reads a line of them.

/// The values of a list: one line, separated by commas; double quotes protect commas and are doubled inside.
///
/// # Errors
/// What `encoding/csv` says of quotes in other places.
pub fn split_list(text: &str) -> Result<Vec<String>, String> {
    let line = text.lines().next().unwrap_or_default();
    let mut values = Vec::new();
    let mut rest = line;
    while !line.is_empty() {
        let (value, tail) = if rest.starts_with('"') { quoted_field(line, rest)? } else { bare_field(line, rest)? };
        values.push(value);
        let Some(next) = tail else { break };
        rest = next;
    }
    Ok(values)
}

type Field<'a> = (String, Option<&'a str>);

fn bare_field<'a>(line: &str, rest: &'a str) -> Result<Field<'a>, String> {
    let (value, tail) = rest.split_once(',').map_or((rest, None), |(value, tail)| (value, Some(tail)));
    match value.find('"') {
        Some(at) => Err(csv_error(line, rest, at, "bare \" in non-quoted-field")),
        None => Ok((value.to_owned(), tail)),
    }
}

fn quoted_field<'a>(line: &str, rest: &'a str) -> Result<Field<'a>, String> {
    let mut value = String::new();
    let mut inside = rest.get(1..).unwrap_or_default();
    loop {
        let Some((text, after)) = inside.split_once('"') else {
            return Err(csv_error(line, rest, rest.len(), "extraneous or missing \" in quoted-field"));
        };
        value.push_str(text);
        match after.chars().next() {
            None => return Ok((value, None)),
            Some(',') => return Ok((value, after.get(1..))),
            Some('"') => value.push('"'),
            Some(_) => {
                let at = rest.len() - after.len() - 1;
                return Err(csv_error(line, rest, at, "extraneous or missing \" in quoted-field"));
            }
        }
        inside = after.get(1..).unwrap_or_default();
    }
}

fn csv_error(line: &str, rest: &str, at: usize, what: &str) -> String {
    format!("parse error on line 1, column {}: {what}", line.len() - rest.len() + at + 1)
}
