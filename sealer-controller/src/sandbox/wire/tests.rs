#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use super::*;

fn templates() -> Texts {
    ["a", "b", "c"].map(|name| (name.to_owned(), format!("{{{{ .{name} }}}}"))).into()
}

fn values(length: usize) -> Values {
    templates().into_keys().map(|name| (name, Plaintext::new(vec![b'v'; length]))).collect()
}

fn environment() -> Environment {
    Environment { now: Timestamp::from_nanosecond(1_800_000_000_123_456_789).unwrap(), functions: Functions::default() }
}

#[test]
fn request_arrives_as_it_was_sent() {
    let limits = Limits { steps: 7, recursion: 3, ..Limits::default() };
    for items in [None, Some(&values(3))] {
        let message = request(&environment(), &limits, &templates(), items).unwrap();
        let read = read_request(&message).unwrap();
        assert_eq!(read.environment.now, environment().now);
        assert_eq!((read.limits.steps, read.limits.recursion, read.limits.time), (7, 3, limits.time));
        assert_eq!(read.templates, templates());
        let sent =
            items.map(|items| items.iter().map(|(name, value)| (name.clone(), value.expose().to_vec())).collect());
        assert_eq!(read.items, sent);
        for end in 0..message.len() {
            assert!(read_request(&message[..end]).is_none(), "cut at {end}");
        }
    }
}

#[test]
fn request_is_written_without_growing() {
    let message = request(&environment(), &Limits::default(), &templates(), Some(&values(100_000))).unwrap();
    assert!(message.capacity() - message.len() <= HEAD, "it grew, and left copies of values behind");
}

#[test]
fn oversized_request_is_refused() {
    let large = Values::from([("a".to_owned(), Plaintext::new(vec![0; LARGEST_REQUEST + 1]))]);
    assert!(request(&environment(), &Limits::default(), &templates(), Some(&large)).is_none());
}

#[test]
fn answers_arrive_as_they_were_sent() {
    let limits = Limits::default();
    let message = answer(&templates(), &Answer::Rendered(values(5)));
    let read = read_rendered(&message, &templates(), &limits).unwrap().unwrap();
    assert_eq!(read.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(read.values().all(|value| value.expose() == b"vvvvv"));
    for class in CLASSES {
        let message = answer(&templates(), &Answer::Failed(class));
        assert_eq!(read_rendered(&message, &templates(), &limits).unwrap().unwrap_err(), class);
    }
    let failures = BTreeMap::from([("b".to_owned(), ParseFailure::from_numbers(4, 2, 1))]);
    let message = answer(&templates(), &Answer::Checked(failures.clone()));
    assert_eq!(read_checked(&message, &templates()).unwrap(), failures);
}

#[test]
fn hostile_answers_are_nonsense() {
    let limits = Limits { item_output: 8, object_output: 20, ..Limits::default() };
    let rendered = |values: &[&[u8]]| {
        let mut message = vec![RENDERED];
        for value in values {
            message.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
            message.extend_from_slice(value);
        }
        message
    };
    let checked = |numbers: &[u32]| {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        std::iter::once(CHECKED).chain(numbers).collect::<Vec<_>>()
    };
    assert!(read_rendered(&rendered(&[b"12345678", b"", b"1"]), &templates(), &limits).is_some());
    for (message, why) in [
        (Vec::new(), "empty"),
        (vec![9], "unknown"),
        (rendered(&[b"1", b"2"]), "a template is missing"),
        (rendered(&[b"1", b"2", b"3", b"4"]), "one more than was asked for"),
        (rendered(&[b"123456789", b"", b""]), "an item that is too long"),
        (rendered(&[b"12345678", b"12345678", b"12345"]), "too long together"),
        (vec![RENDERED, 255, 255, 255, 255], "a length without bytes"),
        (vec![FAILED, 200], "an unknown class"),
        (vec![FAILED, 0, 0], "bytes behind the end"),
        (checked(&[0, 1, 1, 1]), "numbers where values were asked for"),
    ] {
        assert!(read_rendered(&message, &templates(), &limits).is_none(), "{why}");
    }
    assert!(read_checked(&checked(&[0, 1, 1, 1, 2, 1, 1, 1]), &templates()).is_some());
    for (numbers, why) in [
        (&[3, 1, 1, 1][..], "no such template"),
        (&[1, 1, 1, 1, 1, 1, 1, 1], "one template twice"),
        (&[1, 1, 1, 1, 0, 1, 1, 1], "out of order"),
        (&[0, 1, 1, 256], "an unknown code"),
        (&[0, 1, 1], "cut off"),
    ] {
        assert!(read_checked(&checked(numbers), &templates()).is_none(), "{why}");
    }
    assert!(
        read_checked(&rendered(&[b"1", b"2", b"3"]), &templates()).is_none(),
        "values where numbers were asked for"
    );
}

#[test]
fn reason_from_a_worker_is_one_of_ours() {
    for code in 0..=u8::MAX {
        let text = ParseFailure::from_numbers(u32::MAX, 0, code).to_string();
        let is_placed = text.starts_with("template parse error at line 4294967295, column 0: ");
        assert!((is_placed || text == "template parse error: out of time") && text.len() < 150, "{text}");
    }
}
