#![expect(clippy::unwrap_used, reason = "tests may panic")]

use jiff::Timestamp;

use super::*;

fn run(args: &[&str], environment: &[(&str, &str)]) -> Result<Config, String> {
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    match read(&args, find).map_err(|error| error.to_string())? {
        Request::Run(config) => Ok(*config),
        Request::Print(text) => Err(text),
    }
}

#[test]
fn defaults_are_those_of_existing_installations() {
    let config = run(&[], &[("POD_NAMESPACE", "kube-system")]).unwrap();
    assert_eq!((config.namespace.as_str(), &config.watched), ("kube-system", &Watched::All));
    assert_eq!((config.listen.as_str(), config.listen_metrics.as_str()), (":8080", ":8081"));
    assert_eq!((config.keys.bits, config.keys.naming.prefix.as_str()), (4096, "sealed-secrets-key"));
    assert_eq!(config.keys.rotation.period, Some(Duration::from_secs(720 * 3600)));
    assert!(config.update_status && config.recreate && config.accept_v1_data && config.log.info_to_stdout);
}

#[test]
fn flags_read_in_every_form() {
    let args = ["controller", "--update-status=false", "--skip-recreate", "--key-renew-period", "0", "--rate-limit=7"];
    let config = run(&args, &[("SEALED_SECRETS_RATE_LIMIT_BURST", "9")]).unwrap();
    assert!(!config.update_status && !config.recreate);
    assert_eq!((config.keys.rotation.period, config.rate.per_second, config.rate.burst), (None, 7, 9));
}

/// Bitnami's passes them over, and `--all-namespaces false` watches the whole cluster.
#[test]
fn stray_words_are_refused_by_name() {
    for (args, told) in [
        (&["--all-namespaces", "false"][..], "`false` belongs to no flag; write --all-namespaces=false"),
        (
            &["--update-status=true", "controller", "x"],
            "`x` belongs to no flag; every argument is a flag: --name=value",
        ),
        (&["run", "--key-size=2048"], "`run` belongs to no flag; every argument is a flag: --name=value"),
        (&["--", "--key-size=2048"], "`--key-size=2048` belongs to no flag; every argument is a flag: --name=value"),
        (&["--key-renew-period", "0", "0"], "`0` belongs to no flag; every argument is a flag: --name=value"),
    ] {
        assert_eq!(run(args, &[]).map(drop).unwrap_err(), told, "{args:?}");
    }
}

#[test]
fn the_old_name_of_the_renewal_period_still_counts() {
    let period = |args: &[&str], environment: &[(&str, &str)]| {
        run(args, environment).unwrap().keys.rotation.period.unwrap_or_default().as_secs() / 3600
    };
    let (old, new) = (("SEALED_SECRETS_ROTATE_PERIOD", "1h"), ("SEALED_SECRETS_KEY_RENEW_PERIOD", "2h"));
    assert_eq!(period(&["--rotate-period=3h"], &[new]), 3);
    assert_eq!(period(&[], &[old, new]), 1);
    assert_eq!(period(&["--key-renew-period=4h"], &[old]), 4);
    assert_eq!(run(&[], &[old]).unwrap().deprecated, Some(("rotate-period", "key-renew-period")));
    assert_eq!(run(&[], &[]).unwrap().deprecated, None);
}

#[test]
fn endpoints_are_on_unless_told_otherwise() {
    let access = |args: &[&str], environment: &[(&str, &str)]| {
        let config = run(args, environment).unwrap();
        (config.verify_api, config.rotate_api)
    };
    assert_eq!(access(&[], &[]), (ApiAccess::On, ApiAccess::On));
    let environment = [("SEALED_SECRETS_ROTATE_API", "authorized")];
    assert_eq!(access(&["--verify-api=off"], &environment), (ApiAccess::Off, ApiAccess::Authorized));
}

#[test]
fn a_timeout_of_zero_is_none() {
    let config = run(&["--read-timeout=0", "--write-timeout=90s"], &[]).unwrap();
    assert_eq!((config.read_timeout, config.request_timeout), (None, Some(Duration::from_secs(90))));
}

#[test]
fn additional_namespaces_narrow_the_watch() {
    let config = run(&["--additional-namespaces", "b, a,,b"], &[("POD_NAMESPACE", "own")]).unwrap();
    assert_eq!(config.watched, Watched::These(["a", "b", "own"].map(str::to_owned).to_vec()));
    let config = run(&["--all-namespaces=false"], &[("POD_NAMESPACE", "own")]).unwrap();
    assert_eq!(config.watched, Watched::These(vec!["own".to_owned()]));
}

#[test]
fn a_cutoff_needs_a_numeric_zone() {
    let config = run(&["--key-cutoff-time", "Mon, 14 Oct 2024 21:45:30 +0200"], &[]).unwrap();
    assert_eq!(config.keys.rotation.cutoff, Some("2024-10-14T19:45:30Z".parse::<Timestamp>().unwrap()));
}

#[test]
fn what_would_silently_change_the_meaning_is_refused() {
    for (args, environment, message) in [
        (
            &["--key-renew-period=-1h"][..],
            &[][..],
            "--key-renew-period: `-1h` does not fit; give a length of time that is not negative, such as `720h`",
        ),
        (
            &["--key-ttl=0"],
            &[],
            "--key-ttl: `0` does not fit; give a length of time that is not negative, such as `720h`",
        ),
        (
            &["--rate-limit=0"],
            &[],
            "--rate-limit: `0` does not fit; give a small whole number that is not negative (and not 0 for the rate)",
        ),
        (
            &["--key-prefix=A"],
            &[],
            "--key-prefix: `A` does not fit; give lower case letters, digits and `-`, 1 to 245 characters",
        ),
        (
            &["--privatekey-labels=a"],
            &[],
            "--privatekey-labels: `a` does not fit; give `key=value` pairs separated by commas",
        ),
        (
            &["--key-order-priority=x"],
            &[],
            "--key-order-priority: `x` does not fit; give `CertNotBefore` or `SecretCreationTimestamp`",
        ),
        (&["--verify-api=yes"], &[], "--verify-api: `yes` does not fit; give `on`, `off` or `authorized`"),
        (
            &[],
            &[("SEALED_SECRETS_ROTATE_API", "Off")],
            "--rotate-api: `Off` does not fit; give `on`, `off` or `authorized`",
        ),
        (&["--nope"], &[], "unknown flag: --nope"),
        (
            &[],
            &[("SEALED_SECRETS_KEY_RENEW_PERIOD", "30d")],
            "environment variable SEALED_SECRETS_KEY_RENEW_PERIOD does not fit --key-renew-period: time: unknown unit \"d\" in duration \"30d\"",
        ),
        (
            &[],
            &[("SEALED_SECRETS_ALL_NAMESPACES", "")],
            "environment variable SEALED_SECRETS_ALL_NAMESPACES does not fit --all-namespaces: strconv.ParseBool: parsing \"\": invalid syntax",
        ),
    ] {
        assert_eq!(run(args, environment).map(|_| ()), Err(message.to_owned()), "{args:?}");
    }
}

#[test]
fn version_is_printed() {
    assert_eq!(run(&["--version"], &[]).map(|_| ()), Err(format!("controller version: {VERSION}\n")));
}

#[test]
fn requests_are_limited_only_when_asked() {
    let limit = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let Ok(Request::Run(config)) = read(&args, |_| None) else { panic!("arguments") };
        config.client_limit.map(|ClientLimit(quota)| (quota.replenish_interval(), quota.burst_size().get()))
    };
    assert_eq!(limit(&[]), None);
    assert_eq!(limit(&["--kubeclient-qps=5"]), Some((Duration::from_millis(200), 10)));
    assert_eq!(limit(&["--kubeclient-qps", "50", "--kubeclient-burst", "100"]), Some((Duration::from_millis(20), 100)));
    assert_eq!(limit(&["--kubeclient-burst=30"]), Some((Duration::from_millis(200), 30)));
    assert_eq!(limit(&["--kubeclient-qps=0"]), Some((Duration::from_millis(200), 10)));
    assert_eq!(limit(&["--kubeclient-qps=-1"]), None);
}
