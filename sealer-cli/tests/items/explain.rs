//! `sealer explain`: each mistake with its own sentence and remedy.

use super::*;

/// What is said of a file, without the items that open.
fn explained(place: &Place, args: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(&[&["explain"], args].concat(), "");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().filter(|line| !line.contains(" opens with key ")).map(|line| format!("{line}\n"));
    (output.status.code(), lines.collect(), said(&output))
}

/// The sealed text of an item.
fn value<'a>(yaml: &'a str, item: &str) -> &'a str {
    yaml.lines().find_map(|line| line.trim().strip_prefix(&format!("{item}: "))).unwrap()
}

/// Sealed for another key of the same size. By chance a value is too large a number for the key at hand, which says more.
fn of_another_key(place: &Place) -> String {
    let (certificate, key) = (fixture("cert4096b.pem"), fixture("key4096.pem"));
    for _ in 0..200 {
        let sealed = place.run(&["--cert", &certificate, "-o", "yaml"], SECRET).stdout;
        let sealed = String::from_utf8(sealed).unwrap();
        place.write("x.yaml", &sealed);
        let (_, text, _) = explained(place, &["--private-key", &key, "x.yaml"]);
        if text.matches("opens with no key at hand").count() == 2 {
            return sealed;
        }
    }
    panic!("no value fits the key by size");
}

struct Mistaken {
    mistake: &'static str,
    file: String,
}

#[expect(clippy::too_many_lines, reason = "a table, one entry a mistake")]
fn table(place: &Place) -> Vec<Mistaken> {
    let good = place.read("db.yaml");
    let sealed = |args: &[&str], secret: &str| place.sealed(&[&["-o", "yaml"], args].concat(), secret);
    let (wide, all) = (sealed(&["--scope", "namespace-wide"], SECRET), sealed(&["--scope", "cluster-wide"], SECRET));
    let user = value(&good, "user").to_owned();
    let with = |text: &str| good.replace(&user, text);
    let raw = place.sealed(&["--raw", "--name", "user", "--namespace", "shop"], "root");
    let line = |text: &str, at: usize, by: &str| format!("{}{by}{}", &text[..at], &text[at..]);
    let twice = String::from_utf8(
        place
            .finish(Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()), user.as_bytes())
            .stdout,
    )
    .unwrap();
    let annotation = |value: &str| wide.replace("namespace-wide: \"true\"", &format!("namespace-wide: {value}"));
    let outer = |text: &str| {
        let (head, rest) = text.split_once("spec:").unwrap();
        let head: String = head
            .split_inclusive('\n')
            .filter(|line| !line.contains("-wide") && !line.contains("annotations"))
            .collect();
        format!("{head}spec:{rest}")
    };
    let case = |mistake, file: String| Mistaken { mistake, file };
    vec![
        case("nothing", good.clone()),
        case("the object was renamed", good.replacen("name: db", "name: web", 1)),
        case("the object was moved to another namespace", good.replacen("namespace: shop", "namespace: prod", 1)),
        case(
            "sealed in the default namespace",
            sealed(&[], &SECRET.replace("shop", "default")).replace("namespace: default", "namespace: shop"),
        ),
        case(
            "the annotation of the scope is missing",
            outer(&wide)
                .replace("      annotations:\n        sealedsecrets.bitnami.com/namespace-wide: \"true\"\n", ""),
        ),
        case("the annotation stands in the template alone", outer(&all)),
        case(
            "an annotation too many",
            good.replacen(
                "metadata:\n",
                "metadata:\n  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: \"true\"\n",
                1,
            ),
        ),
        case("an annotation without quotes", annotation("true")),
        case("an annotation with a capital", annotation("\"True\"")),
        case("sealed for another cluster", of_another_key(place)),
        case("a value that is cut off", with(&user[..400])),
        case("a value that is cut off within a group", with(&user[..401])),
        case("a value that was changed", with(&format!("{}#!{}", &user[..300], &user[302..]))),
        case("a value in lines that are joined", with(&format!("\"{}\"", line(&user, 300, "\n      ")))),
        case("quotes in quotes", with(&format!("'\"{user}\"'"))),
        case("the alphabet of addresses", with(&user.replace('+', "-").replace('/', "_"))),
        case("base64 twice", with(&twice)),
        case("the value in base64", with("cm9vdA==")),
        case("the value itself", with("hunter2")),
        case("no value", with("\"\"")),
        case("the mark of the editor", with("<sealed>")),
        case("a template", with("{{ .Values.user }}")),
        case("a private key", with("\"-----BEGIN RSA PRIVATE KEY-----\"")),
        case(
            "sealed for another cluster, seen by its size",
            place
                .run(&["--cert", &fixture("cert2048.pem"), "-o", "yaml"], SECRET)
                .stdout
                .into_iter()
                .map(char::from)
                .collect(),
        ),
        case("sealed raw with the name of the item", with(&raw)),
        case("a list", with("[a]")),
        case("the old form", good.replace("  encryptedData:", "  data: AgBy\n  encryptedData:")),
        case(
            "items at the top",
            good.replace("  encryptedData:\n", "  encryptedData: {}\ndata:\n").replace("  template:", "spec2:"),
        ),
        case("a map in the old form's place", good.replace("  encryptedData:", "  data: {a: b}\n  encryptedData:")),
        case("a type at the top", format!("{good}type: kubernetes.io/tls\n")),
        case("a type in the spec", good.replace("  template:", "  type: Opaque\n  template:")),
        case("another version", good.replace("v1alpha1", "v1")),
        case("no namespace", good.replacen("  namespace: shop\n", "", 1)),
        case("a name in capitals", good.replacen("name: db", "name: Db", 1)),
        case("a templated name", good.replacen("name: db", "name: {{ .Values.name }}", 1)),
    ]
}

/// `explain.txt` has the answer to each mistake: status, what is written, what is told.
#[test]
fn every_mistake_has_its_sentence_and_its_remedy() {
    let place = Place::new();
    let mut told = Vec::new();
    for Mistaken { mistake, file } in table(&place) {
        place.write("x.yaml", &file);
        let (status, text, error) = explained(&place, &["--private-key", &fixture("key4096.pem"), "x.yaml"]);
        told.push(format!("# {mistake}: status {}\n{text}{error}", status.unwrap()));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/items/explain.txt");
    if std::env::var_os("SEALER_REGENERATE").is_some() {
        fs::write(&golden, told.join("\n")).unwrap();
    }
    let golden = fs::read_to_string(golden).unwrap();
    assert_eq!(golden.split("\n\n").count(), told.len());
    for (told, golden) in told.iter().zip(golden.split("\n\n")) {
        assert_eq!(told.trim_end(), golden.trim_end());
    }
}

#[test]
fn the_certificate_that_was_sealed_with_is_looked_at() {
    let place = Place::new();
    let key = fixture("key4096.pem");
    let with = |certificate: &str| {
        let given = fixture(certificate);
        let (status, text, error) = explained(&place, &["--private-key", &key, "--cert", &given, "db.yaml"]);
        (status, text.replace(&given, "CERT"), error)
    };
    let wrong = "error: something is wrong, although no value is found that does not open\n".to_owned();
    assert_eq!(with("cert4096.pem"), (Some(0), "document 1 shop/db\n".to_owned(), String::new()));
    let foreign = "certificate CERT is of key SHA256:0SR/AK1L7PjBhC0Dd+2A7wc78dNfh9FoWy8DfJApxPQ, none of the keys at hand: what it sealed is for another cluster\n  hint: seal again with this cluster's: sealer --fetch-cert > cert.pem; or restore that key\ndocument 1 shop/db\n";
    assert_eq!(with("cert4096b.pem"), (Some(1), foreign.to_owned(), wrong.clone()));
    let expired = "certificate CERT expired on March 4, 2020; what it sealed still opens, but nothing new is sealed with it\n  \
                   hint: make a new key: sealer keys rotate; then fetch its certificate: sealer --fetch-cert > cert.pem\ndocument 1 shop/db\n";
    assert_eq!(with("cert-expired.pem"), (Some(1), expired.to_owned(), wrong));
}

#[test]
fn what_is_no_certificate_is_named() {
    let place = Place::new();
    place.write("cert.pem", "x");
    let told = "error: cert.pem: data does not contain any valid RSA or ECDSA certificates\n";
    let args = ["explain", "--private-key", &fixture("key4096.pem"), "--cert", "cert.pem", "db.yaml"];
    assert_eq!(place.told(&args, ""), (Some(1), told.to_owned()));
}

#[test]
fn machines_get_the_same_in_json() {
    let place = Place::new();
    let file = place.read("db.yaml");
    let user = value(&file, "user").to_owned();
    place.write("db.yaml", &file.replace(&user, "hunter2").replacen("v1alpha1", "v1", 1));
    let output = place.run(&["explain", "-o", "json", "--private-key", &fixture("key4096.pem"), "db.yaml"], "");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (object, items) = (&told["objects"][0], &told["objects"][0]["items"]);
    assert_eq!((output.status.code(), &object["object"]), (Some(1), &Value::from("document 1 shop/db")));
    assert_eq!(object["mistakes"][0]["remedy"], "write apiVersion: bitnami.com/v1alpha1");
    assert_eq!((&items[0]["opens"], &items[1]["opens"]), (&Value::from(true), &Value::from(false)));
    assert_eq!(items[1]["why"], "is no sealed value but other text, perhaps the value itself");
    assert!(!told.to_string().contains("hunter2"));
}

#[test]
fn without_keys_and_cluster_only_looks_can_tell() {
    let place = Place::new();
    let told = "error: whether 2 values open cannot be told: invalid configuration: no configuration has been provided, try setting \
                KUBERNETES_MASTER environment variable\nhint: give the private keys with --private-key or --backup, or a cluster with --context\n";
    let items =
        "document 1 shop/db\n  item `password` looks like a sealed value\n  item `user` looks like a sealed value\n";
    assert_eq!(explained(&place, &["db.yaml"]), (Some(1), items.to_owned(), told.to_owned()));
}

#[test]
fn what_a_kustomization_or_a_release_makes_of_it_is_tried() {
    let place = Place::new();
    let sealed = place.read("db.yaml");
    let check = |args: &[&str], object: &str| {
        let (status, text, error) = explained(&place, &[&["--private-key", &fixture("key4096.pem")], args].concat());
        assert_eq!((status, text, error), (Some(0), format!("{object}\n"), String::new()));
    };
    place.write("x.yaml", &sealed.replacen("name: db", "name: d", 1).replacen("  namespace: shop\n", "", 1));
    place.write("kustomization.yaml", "namespace: shop\nnameSuffix: b\n");
    check(&["x.yaml"], "document 1 d, applied as shop/db");
    place.write("kustomization.yaml", "resources: [x.yaml]\n");
    place.write("x.yaml", &sealed.replacen("  namespace: shop\n", "", 1));
    check(&["--namespace", "shop", "x.yaml"], "document 1 db, applied as shop/db");
    place.write("x.yaml", &sealed.replacen("namespace: shop", "namespace: {{ .Release.Namespace }}", 1));
    check(&["--namespace", "shop", "x.yaml"], "document 1 {{ .Release.Namespace }}/db, applied as shop/db");
}
