#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use proptest::prelude::*;

use super::*;

/// A value as a key of so many bytes makes it, of these bytes.
fn sealed(key: usize, value: usize, seed: u8) -> String {
    let length = u16::try_from(key).unwrap().to_be_bytes();
    let mut state = u32::from(seed).wrapping_mul(2_654_435_761).wrapping_add(1);
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    base64::encode(length.into_iter().chain(bytes.take(key + value + TAG)).collect::<Vec<_>>())
}

fn found(text: &str) -> Vec<(usize, String)> {
    find(text.as_bytes(), &[]).into_iter().map(|found| (found.line, found.value)).collect()
}

#[test]
fn values_of_every_size_of_key_are_found() {
    for key in [112, 128, 240, 256, 257, 384, 512, 1023, 1024] {
        for value in 0..4 {
            let value = sealed(key, value, 7);
            assert_eq!(found(&format!("a: {value}\n")), [(1, value.clone())], "{key}");
        }
    }
    for key in [0, 1, 111, 1025] {
        assert!(found(&format!("a: {}\n", sealed(key, 2000, 7))).is_empty(), "{key}");
    }
}

#[test]
fn values_are_found_whatever_stands_around() {
    let (one, two) = (sealed(256, 7, 1), sealed(512, 8, 2));
    for (text, line) in [
        (format!("password: {one}"), 1),
        (format!("\n\npassword: \"{one}\" # why\n"), 3),
        (format!("DB_PASSWORD={one}\r\n"), 1),
        (format!("password: {{{{ \"{one}\" | quote }}}}\n"), 1),
        (format!("# {one}\n"), 1),
        (format!("{{\"a\":{{\"b\":\"{one}\"}}}}"), 1),
        (format!("\"a: b\\n{one}\\nc: d\""), 1),
        (format!("export A='{one}' B=x"), 1),
        (format!("<value>{one}</value>"), 1),
        (format!("{one}\n"), 1),
        (format!("{{% set a = \"{one}\" %}}"), 1),
        (format!("password = \"{}\"", one.replace('/', "\\/")), 1),
    ] {
        assert_eq!(found(&text), [(line, one.clone())], "{text}");
    }
    assert_eq!(found(&format!("{one}\n{two}\n")), [(1, one.clone()), (2, two.clone())]);
    assert_eq!(found(&format!("a: {one}, b: {two}")), [(1, one), (1, two)]);
}

fn wrapped_at(value: &str, width: usize, between: &str) -> String {
    value.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join(between)
}

#[test]
fn values_on_several_lines_are_one() {
    let value = sealed(512, 40, 3);
    for (width, between) in [(64, "\n"), (76, "\r\n"), (80, "\n    "), (100, "\n\t"), (200, "\n  ")] {
        let text = format!("a:\n  b: |\n    {}\nc: d\n", wrapped_at(&value, width, between));
        assert_eq!(found(&text), [(3, value.clone())], "{width}");
    }
    let quoted = format!("a = \"{}\"\nb = 1\n", wrapped_at(&value, 76, "\n"));
    assert_eq!(found(&quoted), [(1, value)]);
}

/// A line of a certificate begins like a sealed value now and then.
#[test]
fn other_base64_is_left_alone() {
    let value = sealed(256, 2000, 3);
    let certificate = format!("-----BEGIN CERTIFICATE-----\nMII{}\n-----END-----\n", wrapped_at(&value, 64, "\n"));
    let lines = value.as_bytes().chunks(64).map(|line| format!("M{}", std::str::from_utf8(line).unwrap()));
    let shifted: String = lines.map(|line| line + "\n").collect();
    let long = "word ".repeat(100);
    let path = "AgB/".repeat(9);
    for text in [&certificate, &shifted, &long, &path, &"A".repeat(3000), &format!("x{value}")] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn only_the_bytes_of_a_value_change() {
    let (old, new) = (sealed(256, 7, 1), sealed(512, 9, 2));
    let other = sealed(256, 3, 9);
    for (before, after) in [
        (format!("a: {old} # c\nb: {other}\n"), format!("a: {new} # c\nb: {other}\n")),
        (format!("\u{fffd}{{{{ \"{old}\" }}}}"), format!("\u{fffd}{{{{ \"{new}\" }}}}")),
        (
            format!("a: >-\r\n  {}\r\nb: c\r\n", wrapped_at(&old, 64, "\r\n  ")),
            format!("a: >-\r\n  {}\r\nb: c\r\n", wrapped_at(&new, 64, "\r\n  ")),
        ),
    ] {
        let values = find(before.as_bytes(), &[]);
        let result = rewritten(before.as_bytes(), &[(&values[0], &new)]).unwrap();
        assert_eq!(String::from_utf8(result).unwrap(), after);
    }
    // Its padding stands there in another form, which would be left behind.
    let text = format!("\"{}\\u003d\"", old.trim_end_matches('='));
    let values = find(text.as_bytes(), &[]);
    assert_eq!(
        (values[0].value.trim_end_matches('='), values[0].obstacle()),
        (old.trim_end_matches('='), Some(UNPADDED))
    );
    assert_eq!(rewritten(text.as_bytes(), &[(&values[0], &new)]), None);
}

/// A script ends a text with a word, which is base64, too.
#[test]
fn a_word_behind_a_value_is_no_part_of_it() {
    for (key, size) in [(256, 7), (256, 9), (256, 20), (384, 30), (512, 40), (512, 47)] {
        let value = sealed(key, size, 3);
        for width in [64, 76, 80] {
            for word in ["VALUE", "EOF", "END", "DONE", "value", "x"] {
                let lines = wrapped_at(value.trim_end_matches('='), width, "\n");
                // A word that may be the rest of a full line cannot be told from one.
                if lines.lines().last().unwrap().len() == width && !["VALUE", "EOF", "END", "DONE"].contains(&word) {
                    continue;
                }
                let text = format!("cat > v <<'{word}'\n{lines}\n{word}\n");
                assert_eq!(found(&text), [(2, value.clone())], "{key} {size} {width} {word}");
            }
        }
    }
    // A full last line, and a word that makes no base64 of it.
    let value = sealed(256, 10, 3);
    let lines = wrapped_at(&value[..value.len() / 76 * 76], 76, "\n");
    for word in ["VALUE", "value"] {
        let values = found(&format!("<<'{word}'\n{lines}\n{word}\n"));
        assert_eq!(values.len(), 1);
    }
}

#[test]
fn a_value_behind_other_lines_of_base64_is_found() {
    let value = sealed(512, 40, 3);
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    for (ahead, number) in [(format!("{hash}\n"), 2), (format!("{hash}\n  {hash}\n"), 3)] {
        for width in [64, 76] {
            let text = format!("{ahead}{}\nend: 1\n", wrapped_at(&value, width, "\n"));
            assert!(found(&text).contains(&(number, value.clone())), "{text}");
        }
    }
    // Also behind what looks like the beginning of a certificate, and is none.
    let text = format!("-----BEGIN is what they look for\n\n{hash}\n{}\n", wrapped_at(&value, 64, "\n"));
    assert_eq!(found(&text), [(4, value.clone())]);
    let text = format!("-----BEGIN SEALED-----\n{}\n-----END SEALED-----\n", wrapped_at(&value, 64, "\n"));
    assert_eq!(found(&text), [(2, value)]);
}

/// What cannot be read as a whole is told as a value of its size, and never put in place of.
#[test]
fn the_beginning_of_a_value_is_told() {
    let value = sealed(256, 60, 3);
    let (ahead, rest) = value.split_at(100);
    for text in [
        value[..300].to_owned(),
        format!("x = \"{ahead}\" +\n  \"{rest}\"\n"),
        format!("{}\n", &value[..value.len() / 4 * 4 - 3]),
        format!("a: \"{}\"\n", wrapped_at(&value, 76, "\\n")),
    ] {
        let values = find(text.as_bytes(), &[]);
        assert_eq!(values.len(), 1, "{text}");
        assert_eq!((values[0].line, values[0].obstacle(), values[0].is_in_part()), (1, Some(IN_PART), true), "{text}");
        assert_eq!(SealedValue::from_base64(&values[0].value).unwrap().wrapped_key().len(), 256);
        assert!(rewritten(text.as_bytes(), &[(&values[0], &value)]).is_none());
    }
    // The hash of a lock file is whole.
    let hash =
        base64::encode([1, 0].into_iter().chain((0..62_u8).map(|byte| byte.wrapping_mul(37) | 1)).collect::<Vec<_>>());
    assert_eq!(found(&format!("\"integrity\": \"sha512-{hash}\"")), []);
}

#[test]
fn escapes_of_json_and_of_shells_are_read() {
    let value = sealed(256, 60, 3);
    assert!(value.contains('+') && value.contains('/'));
    for (plus, slash) in [("\\u002B", "/"), ("\\u002b", "\\/"), ("+", "\\u002F"), ("\\u002B", "\\u002f")] {
        let text = format!("{{\"a\": \"{}\"}}", value.replace('+', plus).replace('/', slash));
        let values = find(text.as_bytes(), &[]);
        assert_eq!((values.len(), &values[0].value, values[0].obstacle()), (1, &value, Some(ESCAPED)), "{text}");
    }
    let inside = format!("\"{{\\u0022a\\u0022:\\u0022{value}\\u0022}}\"");
    assert_eq!(found(&inside), [(1, value.clone())]);
    // A shell takes the end of the line away.
    let new = sealed(512, 9, 2);
    let written = |value: &str| format!("A=\"{}\"\nB=1\n", wrapped_at(value, 76, "\\\n"));
    let text = written(&value);
    let values = find(text.as_bytes(), &[]);
    assert_eq!((values.len(), &values[0].value), (1, &value));
    assert_eq!(String::from_utf8(rewritten(text.as_bytes(), &[(&values[0], &new)]).unwrap()).unwrap(), written(&new));
}

/// Every line of a text may begin like a value, and none be one.
#[test]
fn lines_that_all_begin_like_a_value_take_bounded_time() {
    let line = format!("{}\n", &sealed(256, 60, 3)[..44]);
    let text = line.repeat(100_000);
    assert!(!found(&text).is_empty());
    let ends = format!("{}{}\n", line.repeat(10), "abc\n");
    assert!(!found(&ends.repeat(10_000)).is_empty());
}

#[test]
fn what_is_known_already_is_passed_over() {
    let (one, two) = (sealed(256, 7, 1), sealed(256, 8, 2));
    let text = format!("a: {one}\nb: {two}\n");
    let known = 3..3 + one.len();
    let values = find(text.as_bytes(), std::slice::from_ref(&known));
    assert_eq!(values.iter().map(|value| value.line).collect::<Vec<_>>(), [2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0_usize..400) {
        let mut text = bytes;
        let at = start.min(text.len());
        text.splice(at..at, sealed(256, 3, 5).into_bytes());
        let values = find(&text, &[]);
        let new = sealed(256, 5, 6);
        for value in &values {
            let _ = rewritten(&text, &[(value, &new)]);
        }
    }

    #[test]
    fn a_value_between_other_text_is_found(
        key in prop::sample::select(vec![128_usize, 256, 384, 512, 1024]),
        size in 0_usize..100,
        seed in any::<u8>(),
        before in "([a-z]{1,9}[:=\" \n]){0,30}[:= \"\n]",
        after in "[ \"\n,;]([a-z]{1,9}[:=\" \n]){0,30}",
    ) {
        let value = sealed(key, size, seed);
        prop_assert_eq!(found(&format!("{before}{value}{after}")).into_iter().map(|(_, value)| value).collect::<Vec<_>>(), [value]);
    }
}
