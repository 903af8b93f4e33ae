//! Do templates render in the cluster, what does somebody learn of those that fail, and what do they harm?

#[path = "../../sealer-go/tests/canary/forms.rs"]
mod forms;

use anyhow::{Result, ensure};
use forms::forms;
use sealer_core::Scope;
use sealer_go::template::function_names;
use sealer_tests::attack;
use sealer_tests::report::say;
use serde_json::{Map, Value, json};

use crate::scene::Scene;

/// How the failure of templates that ran begins.
fn execution_error(templates: &str) -> String {
    format!("template execution error ({templates}): where and why is not told")
}

async fn with_templates(scene: &Scene, name: &str, value: &str, templates: Value) -> Result<Value> {
    let mut object = scene.sealed(name, &[("password", value)], Scope::Strict).await?;
    object["spec"]["template"]["data"] = templates;
    Ok(object)
}

pub(crate) async fn templates_render_over_the_opened_values(scene: Scene) -> Result<()> {
    let templates = json!({
        "config.yaml": "user: admin\npassword: {{ .password | quote }}\nmissing: {{ .nope }}",
        "hash": "{{ sha256sum .password | trunc 8 }}",
        "password": "{{ fail \"an item of the same name wins, but this has to run\" | default \"\" }}",
    });
    let mut object = with_templates(&scene, "a", "s3\"cret", templates).await?;
    scene.apply(&object).await?;
    let message = scene.synced("a", "False").await?;
    ensure!(message.starts_with(&execution_error("config.yaml, hash, password")), "{message}");
    object["spec"]["template"]["data"]["password"] = json!("{{ 1 }}");
    scene.apply(&object).await?;
    let config = "user: admin\npassword: \"s3\\\"cret\"\nmissing: <no value>";
    scene.holds("a", &[("config.yaml", config), ("hash", "18bc4586"), ("password", "s3\"cret")]).await?;
    scene.synced("a", "True").await?;
    Ok(())
}

pub(crate) async fn a_failing_template_shows_no_value_anywhere(scene: Scene) -> Result<()> {
    let value = "zqcanary7f3a1xw9";
    let failing = [
        "{{ atoi .password | fail }}",
        "{{ mustToDate \"2006\" .password }}",
        "{{ index .password .password }}",
        "{{ mustRegexMatch (print \"(\" .password) \"x\" }}",
        "{{ .password.field }}",
        "{{ template .password }}",
        "{{ fail .password }}",
        "{{ genCA .password 1 }}",
        "{{ repeat 99999999 .password }}",
    ];
    for (number, template) in failing.iter().enumerate() {
        let name = format!("t{number}");
        scene.apply(&with_templates(&scene, &name, value, json!({ "out": template })).await?).await?;
    }
    for number in 0..failing.len() {
        let message = scene.synced(&format!("t{number}"), "False").await?;
        // What does not parse is told with its place, which is in the template alone.
        let is_parse_error = failing.get(number) == Some(&"{{ template .password }}");
        let expected =
            if is_parse_error { "template parse error at line 1".to_owned() } else { execution_error("out") };
        ensure!(message.starts_with(&expected), "{message}");
        ensure!(!message.contains(value), "the status shows the value: {message}");
    }
    // The next object is not harmed.
    scene.apply(&scene.sealed("next", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("next", &[("k", "v")]).await?;
    let everything = format!("{}\n{}", scene.dump().await, scene.metrics().await?);
    ensure!(everything.contains("t0"), "the dump shows the objects");
    let shapes = [value.to_owned(), value.chars().rev().collect(), sealer_encoding::base64::encode(value)];
    ensure!(!shapes.iter().any(|shape| everything.contains(shape)), "the value shows in events, logs or metrics");
    Ok(())
}

/// Every function with the value in every place, through status, events, logs, metrics, HTTP answers and the command line.
pub(crate) async fn no_function_shows_a_value(scene: Scene) -> Result<()> {
    let value = "qzcanaryvalueofalltests";
    let (mut sites, mut told) = (0, String::new());
    for place in 0..3 {
        let mut templates = Map::new();
        for name in function_names() {
            for count in place + 1..4 {
                let arguments: Vec<&str> = (0..count).map(|at| if at == place { ".password" } else { "1" }).collect();
                let item = format!("{name}-{count}");
                templates.insert(item, json!(format!("{{{{ {name} {} }}}}", arguments.join(" "))));
                sites += 1;
            }
        }
        let name = format!("place{place}");
        let object = with_templates(&scene, &name, value, Value::Object(templates)).await?;
        scene.apply(&object).await?;
        told.push_str(&scene.synced(&name, "False").await?);
        let file = scene.suite.plane.folder.path().join(format!("{}-{name}.json", scene.namespace));
        std::fs::write(&file, object.to_string())?;
        for mode in ["--validate", "--re-encrypt"] {
            let answer = scene.shell().run(&format!("sealer {mode} < {}", file.display())).await?;
            ensure!(answer.status == Some(0), "{answer:?}");
            told.push_str(&format!("{}{}", answer.stdout, answer.stderr));
        }
    }
    told.push_str(&scene.dump().await);
    told.push_str(&scene.suite.whole_logs());
    told.push_str(&scene.metrics().await?);
    ensure!(told.contains("template execution error") && told.contains("unseal_errors_total"), "nothing was searched");
    let shown = forms(value).into_iter().find(|form| told.contains(form));
    ensure!(shown.is_none(), "the value shows as {shown:?}");
    say(&format!("  canary: {sites} sites, {} bytes searched, 0 hits", told.len()));
    Ok(())
}

pub(crate) async fn a_hostile_template_harms_its_object_alone(scene: Scene) -> Result<()> {
    for (number, template) in attack::templates().iter().enumerate() {
        let name = format!("hostile{number}");
        scene.apply(&with_templates(&scene, &name, "v", json!({ "out": template })).await?).await?;
        let honest = format!("honest{number}");
        scene.apply(&with_templates(&scene, &honest, "v", json!({ "out": "{{ .password }}!" })).await?).await?;
        scene.holds(&honest, &[("out", "v!"), ("password", "v")]).await?;
        // One that the engine takes as it is renders; all others say so.
        let what = format!("a word on {name}");
        let object = scene.eventually(&what, async || {
            let object = scene.sealed_secrets().get_opt(&name).await?;
            Ok(object.filter(|object| object.data.pointer("/status/conditions/0/status").is_some()))
        });
        let condition = object.await?.data["status"]["conditions"][0].clone();
        let message = condition["message"].as_str().unwrap_or_default();
        say(&format!("  {name}: {} {message}", condition["status"]));
        ensure!(condition["status"] == "True" || message.starts_with("template "), "{condition}");
    }
    ensure!(!scene.suite.whole_logs().contains("internal error"), "the controller itself was hit");
    Ok(())
}

/// Two values of one length, and templates that branch on them and fail in ways, on lines, in items of their own.
pub(crate) async fn two_values_cannot_be_told_apart(scene: Scene) -> Result<()> {
    let values = ["correct horse battery", "tr0ub4dor and others.."];
    let ways = [
        "{{ fail \"\" }}",
        "\n\n{{ index .password 9999 }}",
        "{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}",
        "{{ repeat 900000 \"a\" }}{{ repeat 900000 \"a\" }}",
        "{{ $x := list }}{{ range until 60000 }}{{ $x = list $x }}{{ end }}{{ fail \"\" }}",
        "{{ genCA \"a\" 1 }}",
        // This one makes the process that renders it run out of time or memory.
        "{{ regexMatch (repeat 50000 \"\\\\pL\") .password }}{{ fail \"\" }}",
    ];
    for (number, way) in ways.iter().enumerate() {
        let other = ways[(number + 1) % ways.len()];
        let templates = json!({
            "one": format!("{{{{ if eq .password {:?} }}}}{way}{{{{ end }}}}", values[0]),
            "two": format!("\n\n\n{{{{ if eq .password {:?} }}}}{other}{{{{ end }}}}", values[1]),
        });
        for (letter, value) in ["a", "b"].into_iter().zip(values) {
            let name = format!("{letter}{number}");
            scene.apply(&with_templates(&scene, &name, value, templates.clone()).await?).await?;
        }
        let (mut first, mut second) = (String::new(), String::new());
        for (letter, told) in [("a", &mut first), ("b", &mut second)] {
            let name = format!("{letter}{number}");
            *told = all_that_is_told(&scene, &name).await?.replace(&name, "NAME");
        }
        ensure!(first == second, "{way} and {other} differ:\n{first}\n{second}");
        ensure!(first.contains(&execution_error("one, two")), "{first}");
    }
    say(&format!("  {} pairs of branches: status, events, log and metrics are the same byte for byte", ways.len()));
    Ok(())
}

/// Status, events, log lines and metrics of one object, without times and versions.
async fn all_that_is_told(scene: &Scene, name: &str) -> Result<String> {
    scene.synced(name, "False").await?;
    let what = format!("an event on {name}");
    let told = scene.eventually(&what, async || {
        let shell = scene.shell();
        let event = "{.items[*].type} {.items[*].reason} {.items[*].count} {.items[*].message}";
        let command = format!(
            "kubectl get events -n {0} --field-selector involvedObject.name={name} -o jsonpath='{event}'",
            scene.namespace
        );
        let events = shell.must(&command).await?;
        let key = format!("{}/{name}", scene.namespace);
        let logs = scene.suite.whole_logs();
        // The watch brings the controller's own write back now before and now after its last word.
        let log = logs.lines().filter(|line| line.contains(&key) && !line.contains("update suppressed"));
        let log: Vec<_> = log.map(without_time).collect();
        // The last line of a look.
        let is_done = !events.is_empty() && log.iter().any(|line| line.contains("giving up"));
        Ok(is_done.then(|| format!("{events}\n{}", log.join("\n"))))
    });
    let told = told.await?;
    let object = scene.sealed_secrets().get(name).await?;
    let condition = &object.data["status"]["conditions"][0];
    let metrics = scene.metrics().await?;
    let series: Vec<_> = metrics.lines().filter(|line| line.contains(&format!("name=\"{name}\""))).collect();
    ensure!(!series.is_empty(), "there is a series of each object");
    Ok(format!("{} {}\n{told}\n{}", condition["status"], condition["message"], series.join("\n")))
}

/// A line of the log behind its time.
fn without_time(line: &str) -> String {
    line.split_once(" level=").map_or_else(|| line.to_owned(), |(_, rest)| rest.to_owned())
}
