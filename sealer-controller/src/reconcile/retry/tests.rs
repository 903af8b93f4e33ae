use super::*;

#[test]
fn waits_grow_and_end_at_five_minutes() {
    assert!(backoff(0, 5) < Duration::from_millis(100));
    assert!(backoff(4, 5) < Duration::from_secs(2));
    for failures in [20, 1000, u32::MAX] {
        assert!((Duration::from_secs(300)..Duration::from_secs(376)).contains(&backoff(failures, 5)));
        let brief = Failure { class: Class::SoonCapped, ..Failure::unmanaged("a") };
        assert_eq!(pause(&brief, failures, 5), BRIEF_WAIT, "what is left of an object that was made anew");
        let asked = Failure { wait: Duration::from_secs(20), ..brief };
        assert_eq!(pause(&asked, failures, 5), Duration::from_secs(20), "the API server says when");
    }
}

#[test]
fn quick_retries_double_and_slow_ones_begin_at_a_second() {
    let within = |failures, least: u64| {
        let wait = backoff(failures, 5);
        let least = Duration::from_millis(least);
        assert!(wait >= least && wait <= least.mul_f64(1.25), "{failures}: {wait:?}");
    };
    for (failures, least) in [(0, 50), (1, 100), (4, 800), (5, 1000), (6, 2000), (8, 8000), (13, 256_000)] {
        within(failures, least);
    }
}
