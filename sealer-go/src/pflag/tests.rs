use super::*;

const TABLE: [Flag; 6] = [
    Flag::new("format", Kind::Text, "json", "").short('o'),
    Flag::new("raw", Kind::Switch, "", "").short('r'),
    Flag::new("size", Kind::Integer, "4096", ""),
    Flag::new("files", Kind::List, "", "").short('F'),
    Flag::new("scope", Kind::Words(&["strict", "wide"]), "strict", ""),
    Flag::new("v", Kind::Integer, "0", "").short('v').without_variable(),
];

fn read(args: &[&str]) -> Result<Values, FlagError> {
    read_with(args, &[])
}

fn read_with(args: &[&str], environment: &[(&str, &str)]) -> Result<Values, FlagError> {
    let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    parse(&TABLE, from_environment(&TABLE, find).0, &args)
}

fn check_text(args: &[&str], flag: &str, expected: &str) {
    assert_eq!(read(args).map(|values| values.text(flag).to_owned()), Ok(expected.to_owned()), "{args:?}");
}

#[test]
fn every_form_of_a_value_is_read() {
    for args in
        [&["--format", "yaml"][..], &["--format=yaml"], &["-o", "yaml"], &["-oyaml"], &["-o=yaml"], &["-ro", "yaml"]]
    {
        check_text(args, "format", "yaml");
    }
    check_text(&["-o", "a", "--format", "b"], "format", "b");
    check_text(&[], "format", "json");
    check_text(&["--size", "0x10"], "size", "0x10");
}

#[test]
fn a_switch_takes_its_value_only_behind_an_equals_sign() {
    for (args, on) in [
        (&["--raw"][..], true),
        (&["--raw=false"], false),
        (&["--raw", "false"], true),
        (&["--raw=T"], true),
        (&[], false),
    ] {
        assert_eq!(read(args).map(|values| values.is_on("raw")), Ok(on), "{args:?}");
    }
}

#[test]
fn words_between_flags_are_kept_apart() {
    let values = read(&["a", "--raw", "-", "--", "--format", "b"]);
    assert_eq!(
        values.map(|values| values.positionals().to_vec()),
        Ok(["a", "-", "--format", "b"].map(str::to_owned).to_vec())
    );
}

#[test]
fn lists_split_at_commas_and_add_up() {
    let values = read_with(&["-F", "a,\"b,c\"", "--files=d"], &[("SEALED_SECRETS_FILES", "e")]);
    assert_eq!(
        values.map(|values| values.list("files").to_vec()),
        Ok(["e", "a", "b,c", "d"].map(str::to_owned).to_vec())
    );
}

#[test]
fn command_line_beats_environment_beats_default() {
    let environment = [("SEALED_SECRETS_FORMAT", "yaml"), ("SEALED_SECRETS_SIZE", ""), ("SEALED_SECRETS_V", "9")];
    let text = |args: &[&str], flag: &str| read_with(args, &environment).map(|values| values.text(flag).to_owned());
    assert_eq!(text(&[], "format"), Ok("yaml".to_owned()));
    assert_eq!(text(&["-ojson"], "format"), Ok("json".to_owned()));
    assert_eq!(text(&[], "v"), Ok("0".to_owned()));
    let (_, bad) = from_environment(&TABLE, |name| (name == "SEALED_SECRETS_SCOPE").then(|| "x".to_owned()));
    assert_eq!(
        bad.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["environment variable SEALED_SECRETS_SCOPE does not fit --scope: must be one of: strict, wide"]
    );
}

#[test]
fn what_cannot_be_read_is_named_in_known_words() {
    for (args, message) in [
        (&["--nope"][..], "unknown flag: --nope"),
        (&["-x"], "unknown shorthand flag: 'x' in -x"),
        (&["-rx"], "unknown shorthand flag: 'x' in -x"),
        (&["--format"], "flag needs an argument: --format"),
        (&["-o"], "flag needs an argument: 'o' in -o"),
        (&["--=x"], "bad flag syntax: --=x"),
        (&["---x"], "bad flag syntax: ---x"),
        (&["-h"], "help requested"),
        (&["--scope", "bogus"], "invalid argument \"bogus\" for \"--scope\" flag: must be one of: strict, wide"),
        (
            &["--raw=x"],
            "invalid argument \"x\" for \"-r, --raw\" flag: strconv.ParseBool: parsing \"x\": invalid syntax",
        ),
        (&["--size=x"], "invalid argument \"x\" for \"--size\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            &["--files=a\"b"],
            "invalid argument \"a\\\"b\" for \"-F, --files\" flag: parse error on line 1, column 2: bare \" in non-quoted-field",
        ),
    ] {
        assert_eq!(read(args).map(|_| ()).map_err(|error| error.to_string()), Err(message.to_owned()), "{args:?}");
    }
}
