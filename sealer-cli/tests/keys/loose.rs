//! Sealed values outside of SealedSecrets: which key they need, and what nobody can tell.

use std::fs;

use sealer_core::Scope;
use serde_json::json;

use crate::{KEYS, Place};

/// Two keys, and a backup of each.
fn place() -> Place {
    let [_, old, new] = &*KEYS;
    let place = Place::with_keys(&[old, new]);
    place.must("keys backup --passphrase-file passphrase -o both.keys");
    place.cluster.with(|state| state.sealed = vec![new.sealed("b", &["one"])]);
    place
}

fn retire(args: &str) -> String {
    format!("keys retire {} {args}", KEYS[1].fingerprint())
}

const CHECK: &str = "keys check --passphrase-file passphrase both.keys";

/// A chart as its documentation has it: values of `--raw`, and a template that uses them.
fn chart(place: &Place) {
    let [_, old, new] = &*KEYS;
    let values = format!(
        "# of the shop\ndb:\n  user: {}\n  password: {}\nreplicas: 1\n",
        new.raw(Scope::Strict, "shop", "db"),
        old.raw(Scope::Strict, "shop", "db"),
    );
    place.file("chart/values.yaml", &values);
    place.file(
        "chart/templates/db.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: {{ .Release.Namespace }}\n\
         spec:\n  encryptedData:\n    user: {{ .Values.db.user }}\n    password: {{ .Values.db.password }}\n",
    );
}

#[test]
fn values_of_a_chart_need_their_key_once_the_namespace_is_said() {
    let (place, [_, old, new]) = (place(), &*KEYS);
    chart(&place);
    let said = place.run(&retire("--in chart"));
    let may = "may need the key; a sealed value that no name opens which is known";
    assert_eq!(said.status, Some(1));
    assert_eq!(said.out, format!("chart/values.yaml: line 3: {may}\nchart/values.yaml: line 4: {may}\n"));
    assert!(
        said.err.contains(
            "hint: say what the values outside of SealedSecrets are sealed for: --namespace NAMESPACE --name NAME"
        ),
        "{}",
        said.err
    );
    assert!(
        said.err.ends_with("hint: if you know that what may need the key does not: --allow-unopened\n"),
        "{}",
        said.err
    );
    assert_eq!(place.label("key-b"), "active");
    // The name is that of the template.
    let said = place.run(&retire("--in chart --namespace shop"));
    assert_eq!((said.status, said.out.as_str()), (Some(1), "chart/values.yaml: line 4: needs the key\n"));
    // What certainly needs it is not passed over.
    assert!(!said.err.contains("--allow-unopened"));
    assert_eq!(place.run(&retire("--in chart --namespace shop --allow-unopened")).status, Some(1));

    let list = place.json("keys list -o json --in chart --namespace shop");
    assert_eq!((&list["keys"][0]["items"]["files"], &list["keys"][1]["items"]["files"]), (&json!(1), &json!(1)));
    assert_eq!((&list["unbound"], &list["template"]["files"]), (&json!([]), &json!(0)));
    let list = place.json("keys list -o json --in chart");
    let keys = json!([new.fingerprint(), old.fingerprint()]);
    assert_eq!(list["unbound"][1], json!({ "place": "chart/values.yaml: line 4", "mayNeed": keys }));
    let text = place.must("keys list --in chart");
    assert!(
        text.contains(
            "(say it with --namespace and --name): 2\n  chart/values.yaml: line 3\n  chart/values.yaml: line 4\n"
        ),
        "{text}"
    );

    let said = place.run(&format!("{CHECK} --in chart"));
    assert!(
        said.out.ends_with(
            "line 4: a sealed value that no name opens which is known\n0 of 2 items open with the keys of the backup\n"
        ),
        "{}",
        said.out
    );
    assert_eq!(said.status, Some(1));
    assert_eq!(
        place.must(&format!("{CHECK} --in chart --namespace shop")),
        "2 of 2 items open with the keys of the backup\n"
    );
}

#[test]
fn an_explicit_flag_goes_on_where_nobody_can_tell() {
    let (place, [_, old, _]) = (place(), &*KEYS);
    place.file("tree/.env", &format!("A={}\n", old.raw(Scope::Strict, "away", "nowhere")));
    place.file("tree/other.tf", &format!("a = \"{}\"\n", old.raw(Scope::Strict, "away", "elsewhere")));
    let said = place.run(&retire("--in tree"));
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    let said = place.run(&retire("--in tree --allow-unopened --dry-run"));
    assert_eq!(said.status, Some(0));
    assert_eq!(said.err, "note: values and files that may need the key, and are passed over by --allow-unopened: 2\n");
    // One of the two is known by its name.
    let said = place.run(&retire("--in tree --namespace away --name nowhere"));
    assert_eq!(
        said.out,
        "tree/.env: line 1: needs the key\ntree/other.tf: line 1: may need the key; a sealed value that no name opens which is known\n"
    );
}

#[test]
fn values_are_found_in_texts_of_every_kind() {
    let place = place();
    let raw = |scope| KEYS[1].raw(scope, "shop", "db");
    let (strict, wide, everywhere) = (raw(Scope::Strict), raw(Scope::NamespaceWide), raw(Scope::ClusterWide));
    let folded: Vec<&str> = strict.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    place.file(
        "tree/ns.yaml",
        "kind: Namespace\nmetadata: {name: shop}\n---\nkind: Deployment\nmetadata:\n  name: db\n",
    );
    for (name, text) in [
        ("values.yaml.j2", format!("a: {{{{ b }}}}\nc: \"{strict}\"\n")),
        ("helmfile.gotmpl", format!("{{{{- if true }}}}\na: {wide}\n{{{{- end }}}}\n")),
        ("_helpers.tpl", format!("{{{{ \"{everywhere}\" | quote }}}}\n")),
        ("prod.env", format!("PASSWORD={strict}\r\n")),
        ("main.tf", format!("locals {{ a = \"{wide}\" }}\n")),
        ("Makefile", format!("seal:\n\techo {everywhere}\n")),
        ("broken.yaml", format!("a: [\n  {strict}\n{{% if x %}}\n")),
        ("folded.yaml", format!("a: >-\n  {}\n", folded.join("\n  "))),
        ("latin.properties", format!("a={strict}\n")),
        ("notes.md", format!("SealedSecret\n\n    {strict}\n")),
        ("data.json", format!("{{\"a\": \"b: c\\n{strict}\\n\"}}")),
        ("commented.yaml", format!("# a: {strict}\nb: c\n")),
    ] {
        place.file(&format!("tree/{name}"), &text);
    }
    let mut latin = b"# \xe9\n".to_vec();
    latin.extend(fs::read(place.folder.path().join("tree/latin.properties")).unwrap());
    fs::write(place.folder.path().join("tree/latin.properties"), latin).unwrap();
    let said = place.run(&retire("--in tree"));
    let mut lines: Vec<&str> = said.out.lines().collect();
    lines.sort_unstable();
    let place_of = |name: &str, line: usize| format!("tree/{name}: line {line}: needs the key");
    let wanted = [
        place_of("Makefile", 2),
        place_of("_helpers.tpl", 1),
        place_of("broken.yaml", 2),
        place_of("commented.yaml", 1),
        place_of("data.json", 1),
        place_of("folded.yaml", 2),
        place_of("helmfile.gotmpl", 2),
        place_of("latin.properties", 2),
        place_of("main.tf", 1),
        place_of("notes.md", 3),
        place_of("prod.env", 1),
        place_of("values.yaml.j2", 2),
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn a_named_file_that_holds_nothing_is_an_error_and_what_is_no_text_is_counted() {
    let place = place();
    place.file("tree/a.yaml", "a: b\n");
    place.file("tree/new.json", &KEYS[2].sealed("x", &["one"]).to_string());
    fs::write(place.folder.path().join("tree/logo.png"), b"\x89PNG\0\0").unwrap();
    fs::File::create(place.folder.path().join("tree/dump.sql")).unwrap().set_len(1 << 40).unwrap();
    let mut large = vec![b'x'; 17 << 20];
    large[8 << 20] = b'\n';
    fs::write(place.folder.path().join("tree/app.log"), large).unwrap();
    let note = "note: files that were not looked at: 2 that are no text, 1 larger than 16 MiB\n";
    let said = place.run(&format!("{CHECK} --in tree"));
    assert_eq!(
        (said.status, said.out.as_str(), said.err.as_str()),
        (Some(0), "1 of 1 items open with the keys of the backup\n", note)
    );
    let said = place.run(&retire("--in tree --dry-run"));
    assert_eq!((said.status, said.err.as_str()), (Some(0), note));
    for (file, told) in [
        (
            "tree/a.yaml",
            "tree/a.yaml holds no sealed value\nhint: is it the right file? of a folder, all files are looked at\n",
        ),
        (
            "tree/logo.png",
            "tree/logo.png is no text\nhint: sealed values stand in texts: name the file that it was made of, or the folder\n",
        ),
        (
            "tree/app.log",
            "tree/app.log is larger than 16 MiB\nhint: sealed values stand in texts: name the file that it was made of, or the folder\n",
        ),
    ] {
        for command in [retire(""), CHECK.to_owned(), "keys list".to_owned()] {
            assert_eq!(place.refused(&format!("{command} --in {file} --in tree")), format!("error: {told}"));
        }
    }
}

/// The names and values that a template writes are shown as they stand there, and never as what they are read as.
#[test]
fn items_that_a_template_writes_have_their_values_elsewhere_or_may_need_the_key() {
    let place = place();
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  encryptedData:\n";
    let range = format!(
        "{head}    {{{{- range $k, $v := .Values.secrets }}}}\n    {{{{ $k }}}}: {{{{ $v | quote }}}}\n    {{{{- end }}}}\n"
    );
    place.file("range/templates/a.yaml", &range);
    place.file("all/templates/a.yaml", &format!("{head}    {{{{- toYaml .Values.secrets | nindent 4 }}}}\n"));
    place.file(
        "two/templates/a.yaml",
        &format!("{head}    {{{{ .x }}}}: \"{{{{ .Values.a }}}}\"\n    {{{{ .y }}}}: {{{{ .Values.b }}}}\n"),
    );
    let needs = "may need the key; a template takes its value from a file that was not looked at";
    let told = |folder: &str| place.run(&retire(&format!("--in {folder}"))).out;
    assert_eq!(told("range"), format!("range/templates/a.yaml: document 1, shop/db, item {{{{ $k }}}}: {needs}\n"));
    assert_eq!(told("all"), format!("all/templates/a.yaml: document 1, shop/db, item spec.encryptedData: {needs}\n"));
    assert_eq!(
        told("two"),
        format!(
            "two/templates/a.yaml: document 1, shop/db, item {{{{ .x }}}}: {needs}\ntwo/templates/a.yaml: document 1, shop/db, item {{{{ .y }}}}: {needs}\n"
        )
    );
    let values = |key: &crate::Key| format!("secrets:\n  one: {}\n", key.raw(Scope::Strict, "shop", "db"));
    for folder in ["range", "all"] {
        place.file(&format!("{folder}/values.yaml"), &values(&KEYS[1]));
        assert_eq!(told(folder), format!("{folder}/values.yaml: line 2: needs the key\n"));
        place.file(&format!("{folder}/values.yaml"), &values(&KEYS[2]));
        assert_eq!(place.must(&format!("{CHECK} --in {folder}")), "1 of 1 items open with the keys of the backup\n");
        place.must(&retire(&format!("--in {folder} --dry-run")));
    }
    for command in [
        "keys list --in two",
        &format!("{CHECK} --in range --in two"),
        "view two/templates/a.yaml",
        "explain two/templates/a.yaml",
        "reseal two --dry-run",
    ] {
        let said = place.run(command);
        assert!(!format!("{}{}", said.out, said.err).contains("xxx"), "{command}: {said:?}");
    }
}

/// Under what an overlay makes of its names, a file needs a key that it does not need as it is written.
#[test]
fn a_kustomization_gives_the_names_that_count() {
    let (place, [_, old, _]) = (place(), &*KEYS);
    let written = old.sealed("db", &["k"]).to_string().replace("\"ns\"", "\"base\"");
    place.file("beside/db.json", &written);
    place.file("beside/kustomization.yaml", "namespace: ns\n");
    place.file("apart/base/db.json", &written);
    place.file("apart/overlay/kustomization.yaml", "resources: [../base]\nnamespace: ns\n");
    for (folder, file) in [("beside", "beside/db.json"), ("apart", "apart/base/db.json")] {
        assert_eq!(
            place.run(&retire(&format!("--in {folder}"))).out,
            format!("{file}: document 1, base/db, item k: needs the key\n")
        );
    }
}

/// What begins as a sealed value does by chance, or is of a key of another size, keeps no key in use.
#[test]
fn what_is_of_no_key_of_the_cluster_is_told_and_no_more() {
    let place = place();
    let larger = sealer_core::UnsealingKey::generate(3072).unwrap();
    let label = sealer_core::Label::as_given(Scope::ClusterWide, "", "");
    let value = sealer_core::seal(&sealer_core::Plaintext::new(vec![]), &label, larger.sealing_key()).unwrap();
    place.file("tree/values.yaml", &format!("a: {}\n", value.to_base64()));
    let mut blob = vec![1, 0, 0, 0, 0xd0, 0x8c, 0x9d, 0xdf, 1, 0x15, 0xd1, 0x11, 0x8c, 0x7a, 0, 0xc0, 0x4f, 0xc2];
    blob.extend([0x97, 0xeb, 1, 0, 0, 0]);
    blob.extend((0..300_u32).map(|byte| byte.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
    place.file("tree/app.config", &format!("<a>{}</a>\n", sealer_core::base64::encode(blob)));
    let said = place.run(&retire("--in tree --dry-run"));
    assert_eq!(
        (said.status, said.err.as_str()),
        (Some(0), "note: items of the files that no key of this cluster opens as they stand: 1\n")
    );
}

/// Nothing of these is a whole value on a line of its own, and each needs the key, or may.
#[test]
fn values_that_are_wrapped_cut_or_escaped_keep_their_key_in_use() {
    let (place, [_, old, _]) = (place(), &*KEYS);
    let raw = old.raw(Scope::Strict, "shop", "db");
    let wrapped = |between: &str| {
        let lines = raw.trim_end_matches('=').as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
        lines.collect::<Vec<_>>().join(between)
    };
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    place.file("word/run.sh", &format!("cat > v <<'VALUE'\n{}\nVALUE\n", wrapped("\n")));
    place.file("hash/values.yaml", &format!("blob: |\n  {hash}\n  {}\n", wrapped("\n  ")));
    place.file("json/app.json", &format!("{{\"a\": \"{}\"}}\n", raw.replace('+', "\\u002B")));
    place.file("shell/run.sh", &format!("A=\"{}\"\n", wrapped("\\\n")));
    for (folder, line) in [("word/run.sh", 2), ("hash/values.yaml", 3), ("json/app.json", 1), ("shell/run.sh", 1)] {
        let said = place.run(&retire(&format!("--in {folder} --namespace shop --name db")));
        assert_eq!((said.status, said.out), (Some(1), format!("{folder}: line {line}: needs the key\n")));
    }
    let (ahead, rest) = raw.split_at(100);
    place.file("parts/x.groovy", &format!("x = \"{ahead}\" +\n  \"{rest}\"\n"));
    place.file("cut/values.yaml", &format!("a: {}\n", &raw[..200]));
    for file in ["parts/x.groovy", "cut/values.yaml"] {
        let told = "a sealed value that no name opens which is known";
        let said = place.run(&retire(&format!("--in {file} --namespace shop --name db")));
        assert_eq!((said.status, said.out), (Some(1), format!("{file}: line 1: may need the key; {told}\n")));
        let said = place.run(&format!("{CHECK} --in {file} --namespace shop --name db"));
        assert_eq!(said.status, Some(1), "{}", said.out);
    }
}

/// A file that nobody can look at proves nothing; what ignore files hide is counted.
#[test]
fn what_is_not_looked_at_is_told() {
    let (place, [_, old, new]) = (place(), &*KEYS);
    place.file("wide/new.json", &new.sealed("x", &["one"]).to_string());
    let text = format!("a: {}\n", old.raw(Scope::Strict, "shop", "db"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(place.folder.path().join("wide/values.yaml"), wide).unwrap();
    let told = "wide/values.yaml: holds bytes of zero, and cannot be looked at: is it UTF-16 without its mark?";
    let said = place.run(&retire("--in wide --dry-run"));
    assert_eq!((said.status, said.out), (Some(1), format!("{told}: may need the key\n")));
    let said = place.run(&format!("{CHECK} --in wide"));
    assert_eq!((said.status, said.out.lines().next()), (Some(1), Some(told)));

    place.file("tree/new.json", &new.sealed("x", &["one"]).to_string());
    place.file("tree/.ignore", "*.env\n");
    place.file("tree/sub/prod.env", &format!("A={}\n", old.raw(Scope::Strict, "shop", "db")));
    for command in [retire("--in tree --dry-run"), format!("{CHECK} --in tree"), "keys list --in tree".to_owned()] {
        let said = place.run(&command);
        assert_eq!(
            (said.status, said.err.as_str()),
            (Some(0), "note: files that ignore files hide, and that were not looked at: 1\n"),
            "{command}"
        );
    }
    // A link out of the folder may lead to what needs the key.
    place.file("apart/prod.env", "A=1\n");
    fs::create_dir(place.folder.path().join("links")).unwrap();
    place.file("links/new.json", &new.sealed("x", &["one"]).to_string());
    std::os::unix::fs::symlink("../apart", place.folder.path().join("links/apart")).unwrap();
    let told = "links/apart: is a link out of the folder that was named, and is not followed";
    let said = place.run(&retire("--in links --dry-run"));
    assert_eq!((said.status, said.out), (Some(1), format!("{told}: may need the key\n")));
    let said = place.run(&format!("{CHECK} --in links"));
    assert_eq!((said.status, said.out.lines().next()), (Some(1), Some(told)));
    assert_eq!(place.run(&retire("--in links --dry-run --allow-unopened")).status, Some(0));
}

#[test]
fn a_template_takes_no_value_of_another_chart() {
    let (place, [_, _, new]) = (place(), &*KEYS);
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  encryptedData:\n";
    for folder in ["tree/one/templates", "tree/charts/two/deep"] {
        place.file(&format!("{folder}/a.yaml"), &format!("{head}    a: {{{{ .Values.password }}}}\n"));
    }
    place.file("tree/charts/two/Chart.yaml", "name: two\n");
    place.file("tree/other/values.yaml", &format!("password: {}\n", new.raw(Scope::Strict, "shop", "db")));
    let needs = "may need the key; a template takes its value from a file that was not looked at";
    let said = place.run(&retire("--in tree --dry-run"));
    let line = |file: &str| format!("tree/{file}/a.yaml: document 1, shop/db, item a: {needs}\n");
    assert_eq!((said.status, said.out), (Some(1), line("charts/two/deep") + &line("one/templates")));
}
