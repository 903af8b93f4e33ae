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

/// A value of the new key that is not too large a number for the old one, as by chance one in two is at most.
fn new_for_both() -> String {
    let [_, old, new] = &*KEYS;
    let may_be_of_old = |value: &String| {
        let sealed = sealer_core::SealedValue::from_base64(value).unwrap();
        sealer_core::Keyring::from_keys(vec![
            sealer_core::UnsealingKey::from_pem(old.key.secret_pkcs1_pem().as_bytes()).unwrap(),
        ])
        .may_have_sealed(&sealed)
    };
    std::iter::repeat_with(|| new.raw(Scope::Strict, "shop", "db")).find(may_be_of_old).unwrap()
}

/// A chart as its documentation has it: values of `--raw`, and a template that uses them.
fn chart(place: &Place) {
    let [_, old, _] = &*KEYS;
    let values = format!(
        "# of the shop\ndb:\n  user: {}\n  password: {}\nreplicas: 1\n",
        new_for_both(),
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
    assert_eq!(list["unbound"][1]["place"], "chart/values.yaml: line 4");
    // By chance a value is too large a number for one of the keys.
    let keys: Vec<&str> =
        list["unbound"][1]["mayNeed"].as_array().unwrap().iter().filter_map(|key| key.as_str()).collect();
    assert!(
        keys.contains(&old.fingerprint())
            && keys.iter().all(|key| [old, new].iter().any(|one| one.fingerprint() == *key))
    );
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
fn named_file_without_values_fails_and_binaries_are_counted() {
    let place = place();
    place.file("tree/a.yaml", "a: b\n");
    place.file("tree/new.json", &KEYS[2].sealed("x", &["one"]).to_string());
    fs::write(place.folder.path().join("tree/logo.png"), b"\x89PNG\0\0").unwrap();
    fs::File::create(place.folder.path().join("tree/dump.sql")).unwrap().set_len(1 << 40).unwrap();
    let mut large = vec![b'x'; 17 << 20];
    large[8 << 20] = b'\n';
    // Looked through in few runs, since it takes seconds.
    fs::create_dir(place.folder.path().join("large")).unwrap();
    fs::write(place.folder.path().join("large/app.log"), large).unwrap();
    let note = "note: files that were not looked at: 2 that are no text, 1 larger than 16 MiB\n";
    let said = place.run(&format!("{CHECK} --in tree --in large"));
    assert_eq!(
        (said.status, said.out.as_str(), said.err.as_str()),
        (Some(0), "1 of 1 items open with the keys of the backup\n", note)
    );
    let said = place.run(&retire("--in tree --in large --dry-run"));
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
            "large/app.log",
            "large/app.log is larger than 16 MiB\nhint: sealed values stand in texts: name the file that it was made of, or the folder\n",
        ),
    ] {
        for command in [retire(""), CHECK.to_owned(), "keys list".to_owned()] {
            // The others are looked at all the same.
            let others = note.replace("1 larger", "0 larger");
            let others = if file == "tree/logo.png" { others.replace("2 that", "1 that") } else { others };
            assert_eq!(place.refused(&format!("{command} --in {file} --in tree")), format!("{others}error: {told}"));
        }
    }
}

/// The names and values that a template writes are shown as they stand there, and never as what they are read as.
#[test]
fn item_of_a_template_is_found_elsewhere_or_may_need_the_key() {
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
    let label = sealer_core::Label::new_unchecked(Scope::ClusterWide, "", "");
    let value = sealer_core::seal(&sealer_core::Plaintext::new(vec![]), &label, larger.sealing_key()).unwrap();
    place.file("tree/values.yaml", &format!("a: {}\n", value.to_base64()));
    let mut blob = vec![1, 0, 0, 0, 0xd0, 0x8c, 0x9d, 0xdf, 1, 0x15, 0xd1, 0x11, 0x8c, 0x7a, 0, 0xc0, 0x4f, 0xc2];
    blob.extend([0x97, 0xeb, 1, 0, 0, 0]);
    blob.extend((0..300_u32).map(|byte| byte.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
    place.file("tree/app.config", &format!("<a>{}</a>\n", sealer_encoding::base64::encode(blob)));
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

/// What is put together of short pieces is no less sealed where the backup has no key of its size.
#[test]
fn values_in_pieces_of_keys_elsewhere_are_not_proven() {
    let (place, [_, _, new]) = (place(), &*KEYS);
    let foreign = sealer_core::UnsealingKey::generate(3072).unwrap();
    let label = sealer_core::Label::new_unchecked(Scope::ClusterWide, "", "");
    let value = sealer_core::seal(&sealer_core::Plaintext::new(vec![]), &label, foreign.sealing_key()).unwrap();
    let value = value.to_base64();
    for (width, between) in
        [(64, "\"\n  \""), (76, "\" +\n  \""), (100, "\" ~ \""), (200, "\",\n  \""), (64, "\n#   "), (64, "\n> ")]
    {
        let pieces: Vec<&str> =
            value.as_bytes().chunks(width).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        place.file("pieces/new.json", &new.sealed("x", &["one"]).to_string());
        place.file("pieces/x.py", &format!("#   \"{}\"\n", pieces.join(between)));
        let said = place.run(&format!("{CHECK} --in pieces"));
        let told = "pieces/x.py: line 1: no key of the backup opens it";
        assert_eq!((said.status, said.out.lines().next()), (Some(1), Some(told)), "{between}");
        // It keeps no key of the cluster in use, which cannot have sealed it.
        let said = place.run(&retire("--in pieces --dry-run"));
        assert_eq!(said.status, Some(0), "{}", said.err);
    }
}

/// A file that nobody can look at proves nothing; what ignore files hide is looked at.
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
    // What ignore files hide is looked at all the same.
    let told = "tree/sub/prod.env: line 1: needs the key\n";
    for ignore in [".ignore", ".gitignore"] {
        place.file(&format!("tree/{ignore}"), "*.env\n");
        let said = place.run(&retire("--in tree --dry-run --namespace shop --name db"));
        assert_eq!((said.status, said.out.as_str()), (Some(1), told));
        let said = place.run(&format!("{CHECK} --in tree"));
        assert_eq!(
            (said.status, said.out.lines().next()),
            (Some(1), Some("tree/sub/prod.env: line 1: a sealed value that no name opens which is known"))
        );
        fs::remove_file(place.folder.path().join("tree").join(ignore)).unwrap();
    }
    place.file("tree/.hidden/.secret/a.env", &format!("A={}\n", old.raw(Scope::Strict, "shop", "db")));
    place.file("tree/.git/a.env", &format!("A={}\n", old.raw(Scope::Strict, "shop", "db")));
    let list = place.json("keys list -o json --in tree --namespace shop --name db");
    assert_eq!(list["keys"][1]["items"]["files"], json!(2));
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

#[test]
fn excluded_files_are_counted_and_told_by_every_verb() {
    let (place, [_, old, new]) = (place(), &*KEYS);
    let raw = format!("a: {}\n", old.raw(Scope::Strict, "away", "nowhere"));
    for file in ["tree/vendor/values.yaml", "tree/sub/vendor/deep/values.yaml", "tree/old.bak", "tree/keep.bak"] {
        place.file(file, &raw);
    }
    place.file("tree/new.json", &new.sealed("x", &["one"]).to_string());
    let note = |files: usize| format!("note: files that --exclude leaves out, and that were not looked at: {files}\n");
    for command in [retire("--dry-run"), CHECK.to_owned(), "keys list".to_owned()] {
        let said = place.run(&format!("{command} --in tree --exclude vendor/ --exclude *.bak"));
        assert_eq!((said.status, said.err), (Some(0), note(4)), "{command}");
        // As seen from where the command runs, and a file that was named itself.
        let said = place.run(&format!("{command} --in tree --in tree/keep.bak --exclude vendor/ --exclude tree/*.bak"));
        assert_eq!((said.status, said.err), (Some(0), note(5)), "{command}");
        // One that is needed again, and a glob that matches nothing.
        let said =
            place.run(&format!("{command} --in tree/new.json --in tree/sub --exclude vendor/ --exclude nothing"));
        assert_eq!((said.status, said.err), (Some(0), note(1)), "{command}");
        let said = place.run(&format!("{command} --in tree --exclude [z-a]"));
        assert_eq!(said.status, Some(2));
        assert!(said.err.starts_with("error: --exclude [z-a] is no glob: "), "{}", said.err);
    }
    let said = place.run(&retire("--in tree --exclude vendor/ --exclude *.bak --exclude !keep.bak"));
    assert_eq!((said.status, said.out.lines().count()), (Some(1), 1), "{}", said.out);
    assert!(said.out.starts_with("tree/keep.bak: line 1: "), "{}", said.out);
}

#[test]
fn all_named_files_are_searched_before_a_mistake_is_told() {
    let (place, [_, old, new]) = (place(), &*KEYS);
    place.file("a.json", &old.sealed("x", &["one"]).to_string());
    place.file("empty.yaml", "a: b\n");
    place.file("broken.yaml", "kind: SealedSecret\nspec: [\n");
    place.file("c.json", &new.sealed("y", &["one"]).to_string());
    let files = "--in a.json --in missing.yaml --in empty.yaml --in broken.yaml --in c.json";
    let mistakes = "missing.yaml cannot be opened: no such file or directory\nempty.yaml holds no sealed value\n";
    let said = place.run(&format!("{CHECK} {files}"));
    assert_eq!(
        (said.status, said.out.as_str()),
        (Some(1), "broken.yaml: line 2, column 7: is no YAML\n2 of 2 items open with the keys of the backup\n")
    );
    assert!(said.err.starts_with(&format!("{mistakes}error: 1 are not proven to open")), "{}", said.err);
    let said = place.run(&retire(files));
    assert_eq!(
        (said.status, said.out.as_str()),
        (
            Some(1),
            "a.json: document 1, ns/x, item one: needs the key\nbroken.yaml: line 2, column 7: is no YAML: may need the key\n"
        )
    );
    assert!(said.err.starts_with(mistakes), "{}", said.err);
    let said = place.run("keys list -o json --in a.json --in missing.yaml --in empty.yaml --in c.json");
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.status, &list["keys"][1]["items"]["files"]), (Some(1), &json!(1)));
    let last = "error: 2 of the files that were named cannot be used\nhint: is it the right file? of a folder, all files are looked at\n";
    assert_eq!(said.err, format!("{mistakes}{last}"));
    // Nothing that was named for nothing is passed over.
    let said = place.run(&retire("--in missing.yaml --in c.json --allow-unopened --dry-run"));
    assert_eq!(said.status, Some(1), "{}", said.err);
    assert!(said.err.starts_with("error: missing.yaml cannot be opened"), "{}", said.err);
}

/// A template takes what it says, and nothing that is merely called the same.
#[test]
fn a_template_s_value_is_looked_for_under_its_whole_name() {
    let (place, [_, _, new]) = (place(), &*KEYS);
    let template = |data: &str| {
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  encryptedData:\n{data}"
        )
    };
    let value = new.raw(Scope::Strict, "shop", "db");
    let needs = "may need the key; a template takes its value from a file that was not looked at";
    let cases = [
        ("    a: {{ .Values.a.password }}\n", format!("a:\n  password: {value}\n"), true),
        ("    a: {{ .Values.a.password }}\n", format!("b:\n  password: {value}\n"), false),
        ("    a: {{ .Values.a.password }}\n", format!("a:\n  password: x\nb: {value}\n"), false),
        ("    a: {{ index .Values \"x-y\" \"a\" }}\n", format!("x-y: {{a: {value}}}\n"), true),
        (
            "    {{- range $k, $v := .Values.secrets }}\n    {{ $k }}: {{ $v }}\n    {{- end }}\n",
            format!("secrets: {{a: {value}}}\n"),
            true,
        ),
        (
            "    {{- range $k, $v := .Values.secrets }}\n    {{ $k }}: {{ $v }}\n    {{- end }}\n",
            format!("secrets: {{a: x}}\nother: {value}\n"),
            false,
        ),
        ("    {{- toYaml .Values.secrets | nindent 4 }}\n", format!("secrets: {{a: {value}}}\n"), true),
        ("    a: {{ include \"password\" . }}\n", format!("password: {value}\n"), false),
        ("    a: {{ .Values.a }}\n    b: {{ .Values.b }}\n", format!("a: {value}\n"), false),
        ("    a: {{ .Values.a }}\n", format!("# a: {value}\na: x\n"), false),
    ];
    for (number, (data, values, is_found)) in cases.iter().enumerate() {
        let folder = format!("c{number}");
        place.file(&format!("{folder}/templates/a.yaml"), &template(data));
        place.file(&format!("{folder}/values.yaml"), values);
        let said = place.run(&retire(&format!("--in {folder} --dry-run")));
        assert_eq!(
            (said.status == Some(0), said.out.contains(needs)),
            (*is_found, !is_found),
            "{data}{values}{}",
            said.out
        );
    }
    // Those of a chart below stand under its name in the values of the one above.
    place.file("up/charts/sub/templates/a.yaml", &template("    a: {{ .Values.password }}\n"));
    place.file("up/charts/sub/Chart.yaml", "name: sub\n");
    place.file("up/values.yaml", &format!("sub:\n  password: {value}\n"));
    place.file("up/Chart.yaml", "name: up\n");
    assert_eq!(place.run(&retire("--in up --dry-run")).status, Some(0));
}

/// Of many names, those of the templates that use a value come first.
#[test]
fn the_names_of_the_templates_that_use_a_value_are_tried_first() {
    let (place, [_, old, _]) = (place(), &*KEYS);
    for number in 0..300 {
        let text = format!(
            "kind: SealedSecret\nmetadata:\n  name: n{number}\n  namespace: s{number}\nspec:\n  encryptedData:\n    a: {{{{ .Values.n{number}.a }}}}\n"
        );
        place.file(&format!("chart/templates/t{number}.yaml"), &text);
    }
    place.file("chart/values.yaml", &format!("n270:\n  a: {}\n", old.raw(Scope::Strict, "s270", "n270")));
    let said = place.run(&retire("--in chart --dry-run --max-tries 200"));
    assert!(said.out.lines().any(|line| line == "chart/values.yaml: line 2: needs the key"), "{}", said.out);
}

/// Overlays lie in folders of their own, and one may take another.
#[test]
fn overlays_in_other_folders_give_namespace_prefix_and_suffix() {
    let (place, [_, old, _]) = (place(), &*KEYS);
    let written = old.sealed("eu-db-x", &["k"]).to_string().replace("\"ns\"", "\"base\"").replace("eu-db-x", "db");
    place.file("tree/base/db.json", &written);
    place.file("tree/base/kustomization.yaml", "resources: [db.json]\nnameSuffix: -x\n");
    place.file("tree/eu/kustomization.yaml", "resources:\n- ../base\nnamePrefix: eu-\nnamespace: ns\n");
    let said = place.run(&retire("--in tree"));
    assert_eq!(said.out, "tree/base/db.json: document 1, base/db, item k: needs the key\n");
}

/// Thousands of values of others cost no more than a number that is told, and none of them is proof of anything.
#[test]
fn tries_are_limited_and_untried_values_may_need_the_key() {
    let (place, [first, old, _]) = (place(), &*KEYS);
    let names: String = (0..150).map(|number| format!("name: n{number}\nnamespace: s{number}\n")).collect();
    place.file("tree/names.yaml", &names);
    let foreign: String =
        (0..40).map(|number| format!("v{number}: {}\n", first.raw(Scope::Strict, "theirs", "x"))).collect();
    place.file("tree/foreign.yaml", &foreign);
    place.file("tree/own.yaml", &format!("a: {}\n", old.raw(Scope::ClusterWide, "", "")));
    let said = place.run(&retire("--in tree --max-tries 300"));
    let limited = said
        .out
        .lines()
        .filter(|line| line.ends_with(": may need the key; not every name that is known was tried on it"))
        .count();
    // A value may be too large a number for the key; of 40, that holds for 12 on average at most.
    assert!(said.status == Some(1) && limited > 10, "{}", said.out);
    assert!(said.out.contains("tree/own.yaml: line 1: needs the key\n"), "{}", said.out);
    let hint = "hint: say what values are sealed for (--namespace, --name), leave files of others out (--exclude), or allow more tries (--max-tries)\n";
    assert!(said.err.contains(hint), "{}", said.err);
    let said = place.run(&format!("{CHECK} --in tree --max-tries 300"));
    assert!(
        said.out.contains(": not every name that is known was tried on it\n") && said.err.contains(hint),
        "{}",
        said.out
    );
    let said = place.run(&retire("--in tree --max-tries 300 --exclude foreign.yaml"));
    assert_eq!(said.out, "tree/own.yaml: line 1: needs the key\n");
    assert_eq!(place.run(&retire("--in tree --max-tries -1")).status, Some(2));
}
