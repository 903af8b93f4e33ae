//! Credential plugins.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{self, Server};
use crate::stage::{Authority, Stage};
use crate::terminal::Terminal;

const SECRET: &str = "{kind: Secret, apiVersion: v1, metadata: {name: a, namespace: b}, stringData: {p: hunter2}}\n";
const V1: &str = "client.authentication.k8s.io/v1";

/// A user whose plugin is that program.
fn exec(command: &str, more: &str) -> String {
    format!(r#""exec": {{"apiVersion": "{V1}", "interactiveMode": "IfAvailable", "command": "{command}"{more}}}"#)
}

/// A line of a script that prints a credential.
fn prints(status: &str) -> String {
    format!(r#"echo '{{"kind":"ExecCredential","apiVersion":"{V1}","status":{status}}}'"#)
}

#[test]
fn a_plugin_runs_once_and_never_sees_the_secret() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let body = format!(
        "cat > stdin\necho call >> calls\nprintf %s \"$KUBERNETES_EXEC_INFO\" > info\necho \"$EXTRA\" > extra\n{}",
        prints(r#"{"token":"t0ken"}"#)
    );
    let command = stage.script("bin/plugin", &body);
    stage.kubeconfig(
        &format!("http://127.0.0.1:{}", api.port),
        r#""proxy-url": "", "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "me"}}]"#,
        &exec(&command, r#", "provideClusterInfo": true, "env": [{"name": "EXTRA", "value": "one"}]"#),
    );
    let ran = stage.run_with(&["-o", "yaml"], &[], SECRET);
    assert!(ran.status == Some(0) && ran.stdout.contains("kind: SealedSecret") && ran.stderr.is_empty(), "{ran:?}");
    let read = |name: &str| fs::read_to_string(stage.path(name)).unwrap();
    assert_eq!((read("stdin").as_str(), read("calls").as_str(), read("extra").as_str()), ("", "call\n", "one\n"));
    let info: Value = serde_json::from_str(&read("info")).unwrap();
    assert_eq!((&info["kind"], &info["apiVersion"]), (&Value::from("ExecCredential"), &Value::from(V1)));
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"], format!("http://127.0.0.1:{}", api.port));
    assert_eq!(info["spec"]["cluster"]["config"]["audience"], "me");
    let asked = api.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    for one in &asked {
        assert_eq!(one.header("authorization"), "Bearer t0ken");
        assert!(one.header("user-agent").starts_with("kubeseal/v0."), "{one:?}");
    }
}

/// What a plugin found, and what was said, where standard input is a terminal or not.
fn asked_in_mode(stage: &Stage, args: &[&str], at_terminal: bool) -> (Option<i32>, String, String) {
    drop(fs::remove_file(stage.path("found")));
    let terminal = Terminal::new();
    let mut command = stage.command(args, &[]);
    command.stdin(if at_terminal { terminal.end() } else { Stdio::null() }).stdout(Stdio::null());
    let ended = command.stderr(terminal.end()).spawn().unwrap().wait().unwrap();
    drop(command);
    let found = fs::read_to_string(stage.path("found")).unwrap_or_default();
    (ended.code(), found, terminal.shown())
}

#[test]
fn a_plugin_may_ask_where_its_mode_and_a_terminal_allow_it() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let body = format!(
        "case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":true'*) printf 'may ask, ';; esac > found\n\
         if [ -t 0 ]; then echo terminal; else echo none; fi >> found\n{}",
        prints(r#"{"token":"t0ken"}"#)
    );
    let command = stage.script("plugin", &body);
    let seals = ["--name", "a", "-n", "b", "--raw"];
    for (mode, args, at_terminal, wanted) in [
        ("Always", &["--fetch-cert"][..], true, Ok("may ask, terminal\n")),
        ("IfAvailable", &["--fetch-cert"], true, Ok("may ask, terminal\n")),
        ("Never", &["--fetch-cert"], true, Ok("none\n")),
        ("Always", &["--fetch-cert"], false, Err("standard input is not a terminal")),
        ("IfAvailable", &["--fetch-cert"], false, Ok("none\n")),
        ("Never", &["--fetch-cert"], false, Ok("none\n")),
        // The value is read from there.
        ("Always", &seals, true, Err("standard input is unavailable: the command itself reads it")),
        ("Always", &seals, false, Err("standard input is not a terminal")),
        ("IfAvailable", &seals, false, Ok("none\n")),
    ] {
        let user = exec(&command, "").replace("IfAvailable", mode);
        stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", &user);
        let (status, found, says) = asked_in_mode(&stage, args, at_terminal);
        match wanted {
            Ok(wanted) => assert_eq!((status, found.as_str()), (Some(0), wanted), "{mode} {args:?}: {says}"),
            Err(why) => {
                let told = format!("exec plugin cannot support interactive mode: {why}\n");
                assert!(status == Some(1) && found.is_empty() && says.contains(&told), "{mode} {args:?}: {says}");
            }
        }
    }
}

/// A login opens a browser, which inherits standard error and stays.
#[test]
fn what_a_plugin_leaves_running_is_not_waited_for() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let body = format!("sleep 30 1>&2 &\necho $! > left\n{}", prints(r#"{"token":"t0ken"}"#));
    let command = stage.script("plugin", &body);
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", &exec(&command, ""));
    let ran = stage.run_with(&["-o", "yaml"], &[], SECRET);
    let left: i32 = fs::read_to_string(stage.path("left")).unwrap().trim().parse().unwrap();
    assert!(ran.status == Some(0) && ran.stdout.contains("kind: SealedSecret"), "{ran:?}");
    // It is there still, so nobody waited for its end.
    let process = rustix::process::Pid::from_raw(left).unwrap();
    assert!(rustix::process::kill_process(process, rustix::process::Signal::KILL).is_ok());
}

#[test]
fn a_plugin_that_fails_is_named_and_nothing_that_it_knows_is_told() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let command = stage.script("plugin", "echo hunter2-stdout\necho 'please log in' >&2\nexit 3");
    let user =
        exec(&command, r#", "installHint": "brew install it", "env": [{"name": "PASSWORD", "value": "hunter2-env"}]"#);
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", &user);
    for args in [&["--fetch-cert"][..], &["--fetch-cert", "-v", "10"], &["keys", "list"]] {
        let ran = stage.run(args, &[]);
        ran.says(&[
            "getting credentials: exec: executable",
            "plugin failed with exit code 3",
            "please log in",
            "brew install it",
        ]);
        assert!(!ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"), "{ran:?}");
    }
    assert!(api.asked().is_empty() && !stage.fetch().stderr.contains("Please"));
    stage.kubeconfig("http://127.0.0.1:1", "", &exec("no-such-plugin", r#", "installHint": "get it at example.org""#));
    stage.fetch().says(&["exec: executable no-such-plugin not found", "not installed", "hint: get it at example.org"]);
}

#[test]
fn what_a_plugin_may_not_print_is_refused_without_a_word_of_it() {
    let stage = Stage::new();
    for (body, says) in [
        (prints(r#"{}"#), "exec plugin didn't return a token or cert/key pair"),
        (prints("null"), "exec plugin didn't return a status field"),
        (prints(r#"{"clientKeyData": "hunter2"}"#), "exec plugin returned only certificate or key, not both"),
        (
            prints(r#"{"clientCertificateData": "hunter2", "clientKeyData": "hunter2"}"#),
            "failed parsing client key/certificate",
        ),
        (prints(r#"{"token": "a", "expirationTimestamp": "hunter2"}"#), "expirationTimestamp is no time"),
        (prints(r#"{"token": "hunter2\\u0001"}"#), "cannot stand in a header"),
        (
            prints(r#"{"token":"hunter2"}"#).replace("k8s.io/v1", "k8s.io/v1beta1"),
            "configured to use API version client.authentication.k8s.io/v1, plugin returned version client.authentication.k8s.io/v1beta1",
        ),
        ("echo hunter2".to_owned(), "decoding stdout"),
        ("echo '{hunter2'".to_owned(), "decoding stdout"),
        ("exec yes hunter2".to_owned(), "printed more than 1 MiB"),
        ("kill -9 $$".to_owned(), "was ended by a signal"),
    ] {
        let command = stage.script("plugin", &body);
        stage.kubeconfig("http://127.0.0.1:1", "", &exec(&command, ""));
        let ran = stage.fetch();
        ran.says(&[says, "plugin"]);
        assert!(!ran.stderr.contains("hunter2"), "{body}: {ran:?}");
    }
}

#[test]
fn plugin_configuration_is_checked_as_client_go_does() {
    let stage = Stage::new();
    let command = stage.script("plugin", &prints(r#"{"token":"a"}"#));
    let user =
        |version: &str, more: &str| format!(r#""exec": {{"command": "{command}", "apiVersion": "{version}"{more}}}"#);
    for (user, says) in [
        (user(V1, ""), "interactiveMode must be specified for u to use exec authentication plugin"),
        (user(V1, r#", "interactiveMode": "Sometimes""#), "invalid interactiveMode for u: \"Sometimes\""),
        (
            user(V1, r#", "interactiveMode": "Always""#),
            "exec plugin cannot support interactive mode: standard input is not a terminal",
        ),
        (
            user("client.authentication.k8s.io/v1alpha1", ""),
            "exec plugin: invalid apiVersion \"client.authentication.k8s.io/v1alpha1\"",
        ),
        (user("", ""), "apiVersion must be specified for u to use exec authentication plugin"),
        (
            format!(r#""exec": {{"apiVersion": "{V1}", "interactiveMode": "Never"}}"#),
            "command must be specified for u to use exec authentication plugin",
        ),
        (
            user(V1, r#", "interactiveMode": "Never", "env": [{"value": "x"}]"#),
            "env variable name must be specified for u",
        ),
    ] {
        stage.kubeconfig("http://127.0.0.1:1", "", &user);
        stage.fetch().says(&[says]);
    }
    for (name, says) in [
        ("gcp", "gke-gcloud-auth-plugin"),
        ("azure", "kubelogin convert-kubeconfig"),
        ("oidc", "oidc-login"),
        ("x", "exec"),
    ] {
        stage.kubeconfig(
            "http://127.0.0.1:1",
            "",
            &format!(r#""auth-provider": {{"name": "{name}", "config": {{}}}}"#),
        );
        stage.fetch().says(&[says]);
    }
}

#[test]
fn a_path_is_beside_the_kubeconfig_and_a_bare_name_is_looked_up() {
    let (stage, api) = (Stage::new(), Server::api(None));
    let server = format!("http://127.0.0.1:{}", api.port);
    stage.script("bin/plugin", &prints(r#"{"token":"a"}"#));
    for command in ["./bin/plugin", "bin/plugin"] {
        stage.kubeconfig(&server, "", &exec(command, ""));
        let elsewhere = tempfile::tempdir().unwrap();
        let output = stage.command(&["--fetch-cert"], &[]).current_dir(elsewhere.path()).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
    stage.kubeconfig(&server, "", &exec("plugin", ""));
    stage.fetch().says(&["executable plugin not found"]);
    let path = format!("{}:/usr/bin:/bin", stage.path("bin").display());
    assert!(stage.run(&["--fetch-cert"], &[("PATH", &path)]).is_served());
    // A token of its own is enough.
    assert!(stage.run(&["--fetch-cert", "--token", "b"], &[]).is_served());
    assert_eq!(api.asked().last().unwrap().header("authorization"), "Bearer b");
}

#[test]
fn refused_credentials_are_asked_for_once_more() {
    let stage = Stage::new();
    let counted = format!("echo call >> calls\nn=$(wc -l < calls)\n{}", prints(r#"{"token":"'$n'"}"#));
    let command = stage.script("plugin", &counted);
    let api = Server::start(None, |asked, _| match asked.header("authorization") {
        "Bearer 1" => server::reply(401, "text/plain", "Unauthorized"),
        _ => server::api(asked),
    });
    stage.kubeconfig(&format!("http://127.0.0.1:{}", api.port), "", &exec(&command, ""));
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
    let tokens: Vec<String> = api.asked().iter().map(|asked| asked.header("authorization").to_owned()).collect();
    assert_eq!(tokens, ["Bearer 1", "Bearer 2", "Bearer 2"]);
    let never = Server::start(None, |_, _| server::reply(401, "text/plain", "Unauthorized"));
    stage.kubeconfig(&format!("http://127.0.0.1:{}", never.port), "", &exec(&command, ""));
    stage.fetch().says(&["the server has asked for the client to provide credentials", "log in anew"]);
    assert_eq!(never.asked().len(), 2);
}

#[test]
fn a_plugin_may_give_a_certificate() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let api = Server::api(Some(authority.pair(&["127.0.0.1"], |_| ()).server()));
    let pair = authority.pair(&["alice"], |_| ());
    let status = serde_json::json!({ "clientCertificateData": pair.pem, "clientKeyData": pair.key });
    let output = serde_json::json!({ "kind": "ExecCredential", "apiVersion": V1, "status": status });
    stage.put("output", &output.to_string());
    let command = stage.script("plugin", &format!("cat {}", stage.path("output").display()));
    stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), &authority.field(), &exec(&command, ""));
    let ran = stage.fetch();
    assert!(ran.is_served(), "{ran:?}");
    for asked in api.asked() {
        assert_eq!(asked.certificate.as_deref(), Some(pair.der()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_plugin_ends_with_the_command() {
    let stage = Stage::new();
    let command = stage.script("plugin", "echo $$ > started\nmv started pid\nexec sleep 300");
    stage.kubeconfig("http://127.0.0.1:1", "", &exec(&command, ""));
    let mut child = stage.command(&["--fetch-cert"], &[]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = eventually(|| fs::read_to_string(stage.path("pid")).ok());
    let process = Path::new("/proc").join(pid.trim());
    assert!(process.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    // Whoever inherits the process may take a while to bury it.
    let is_gone = || fs::read_to_string(process.join("stat")).map_or(true, |stat| stat.contains(") Z "));
    eventually(|| is_gone().then_some(()));
}

#[test]
fn a_plugin_that_takes_long_is_heard() {
    let stage = Stage::new();
    let command = stage.script("plugin", "echo 'open https://login and enter CODE' >&2\nexec sleep 300");
    stage.kubeconfig("http://127.0.0.1:1", "", &exec(&command, ""));
    let mut child = stage.command(&["--fetch-cert"], &[]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().take(2).map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(
        lines,
        [format!("waiting for the credential plugin {command}"), "open https://login and enter CODE".to_owned()]
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_command_with_several_connections_runs_the_plugin_once() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let api = Server::start(Some(authority.pair(&["127.0.0.1"], |_| ()).server()), |asked, _| {
        if asked.line.contains("sealedsecrets") { server::reply(404, "text/plain", "none") } else { server::api(asked) }
    });
    let pair = authority.pair(&["alice"], |_| ());
    let status = serde_json::json!({ "token": "t", "clientCertificateData": pair.pem, "clientKeyData": pair.key });
    let output = serde_json::json!({ "kind": "ExecCredential", "apiVersion": V1, "status": status });
    stage.put("output", &output.to_string());
    let command = stage.script("plugin", "echo call >> calls\ncat output");
    stage.kubeconfig(&format!("https://127.0.0.1:{}", api.port), &authority.field(), &exec(&command, ""));
    assert_eq!(stage.run_with(&["-w", "sealed.yaml"], &[], SECRET).status, Some(0));
    let calls = || fs::read_to_string(stage.path("calls")).unwrap().lines().count();
    assert_eq!((calls(), api.asked().len()), (1, 2));
    let ran = stage.run_with(&["-w", "sealed.yaml", "--keep-unchanged"], &[], SECRET);
    assert_eq!((ran.status, calls(), api.asked().len()), (Some(0), 2, 5), "{ran:?}");
    for asked in api.asked() {
        assert_eq!((asked.header("authorization"), asked.certificate.as_deref()), ("Bearer t", Some(pair.der())));
    }
}

/// Waits for something.
fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it does not come");
        thread::yield_now();
    }
}
