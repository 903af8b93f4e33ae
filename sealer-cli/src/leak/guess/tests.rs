use sealer_core::Plaintext;

use crate::leak::{Leak, look};

fn leak(text: &str, value: &str) -> Option<Leak> {
    look("note", text, "user", &Plaintext::new(value.as_bytes().to_vec())).max(look(
        "note",
        text,
        "item",
        &Plaintext::new(value.as_bytes().to_vec()),
    ))
}

/// Each case of the table, which has an annotation a line.
#[test]
fn each_annotation_of_the_table_is_told_or_refused_as_it_says() {
    let field = |text: &str| text.replace("\\n", "\n");
    let (mut told, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in include_str!("cases.txt").lines().filter(|line| !line.starts_with('#')) {
        let [verdict, name, text, item, value] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let wanted = match verdict {
            "none" => None,
            "told" => Some(Leak::Possible),
            "refused" => Some(Leak::Certain),
            other => panic!("{other}"),
        };
        *(if wanted == Some(Leak::Certain) { &mut refused } else { &mut told }) += 1;
        let found = look(name, &field(text), item, &Plaintext::new(field(value).into_bytes()));
        if found != wanted {
            wrong.push(format!("{found:?}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(told >= 235 && refused >= 180, "{told} {refused}");
}

/// What may stand there by itself may be a part of a value, too.
#[test]
fn ordinary_parts_of_a_value_are_no_reason_to_refuse() {
    let field = |text: &str| text.replace("\\n", "\n");
    let mut looked = 0;
    for line in include_str!("cases.txt").lines().filter(|line| line.starts_with("told\t")) {
        let [_, name, text, item, value] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (text, value) = (field(text), field(value));
        let json = serde_json::json!({ "kind": "x", item: value }).to_string();
        let mut forms = vec![json];
        if !value.contains('\n') {
            forms.extend([format!("A=b\n{item}={value}\n"), format!("a: b\n{item}: \"{value}\"\n")]);
        }
        for whole in forms {
            let found = look(name, &text, "settings", &Plaintext::new(whole.clone().into_bytes()));
            assert_ne!(found, Some(Leak::Certain), "{name}: {text}: {whole}");
            looked += 1;
        }
    }
    assert!(looked >= 500, "{looked}");
}

/// An annotation or label as tools and people write them, and a value of the same Secret that stands in it rightly.
const ORDINARY: &[(&str, &str, &str)] = &[
    ("app.kubernetes.io/instance", "postgres-main", "postgres-main"),
    ("app.kubernetes.io/name", "keycloak-operator", "keycloak-operator"),
    ("meta.helm.sh/release-name", "grafana-prod", "grafana-prod"),
    ("meta.helm.sh/release-namespace", "monitoring", "monitoring"),
    ("helm.toolkit.fluxcd.io/name", "ingress-nginx", "ingress-nginx"),
    ("kustomize.toolkit.fluxcd.io/namespace", "flux-system", "flux-system"),
    ("argocd.argoproj.io/tracking-id", "shop:/Secret:shop/orders-db", "orders-db"),
    ("argocd.argoproj.io/instance", "guestbook-staging", "guestbook-staging"),
    ("managed-by", "argocd.argoproj.io", "argocd.argoproj.io"),
    ("tekton.dev/git-0", "https://github.com", "https://github.com"),
    ("tekton.dev/docker-0", "https://registry.example.com", "registry.example.com"),
    ("build.knative.dev/docker-0", "https://index.docker.io/v1/", "https://index.docker.io/v1/"),
    ("jenkins.io/credentials-description", "token of ci-robot for the build cluster", "ci-robot"),
    ("jenkins.io/credentials-keybinding-username", "deploy-user", "deploy-user"),
    ("cert-manager.io/common-name", "api.shop.example.com", "api.shop.example.com"),
    ("cert-manager.io/alt-names", "api.example.com,www.example.com", "www.example.com"),
    ("cert-manager.io/issuer-name", "letsencrypt-prod", "letsencrypt-prod"),
    ("cert-manager.io/uri-sans", "spiffe://cluster.local/ns/a/sa/b", "cluster.local"),
    ("reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces", "team-a,team-b-staging", "team-b-staging"),
    ("replicator.v1.mittwald.de/replicate-from", "default/common-registry", "common-registry"),
    ("kubed.appscode.com/sync", "environment=production", "production"),
    ("eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/Reader", "arn:aws:iam::123456789012:role/Reader"),
    ("aws.region", "eu-central-1 of account 123456789012", "123456789012"),
    (
        "azure.workload.identity/client-id",
        "6f1c2f5e-8f8b-4d5e-9a43-0c2f6b1d7e11",
        "6f1c2f5e-8f8b-4d5e-9a43-0c2f6b1d7e11",
    ),
    (
        "azure.workload.identity/tenant-id",
        "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "72f988bf-86f1-41af-91ab-2d7cd011db47",
    ),
    (
        "iam.gke.io/gcp-service-account",
        "app@project-1.iam.gserviceaccount.com",
        "app@project-1.iam.gserviceaccount.com",
    ),
    ("external-secrets.io/store", "vault-backend of https://vault.example.com:8200", "https://vault.example.com:8200"),
    ("vault.hashicorp.com/role", "database-reader", "database-reader"),
    ("vault.hashicorp.com/agent-inject-secret-db", "database/creds/reader", "database/creds/reader"),
    ("kubernetes.io/service-account.name", "build-robot", "build-robot"),
    ("kubernetes.io/description", "Login of postgres_admin on db01.internal.example.com", "postgres_admin"),
    ("description", "Login of postgres_admin on db01.internal.example.com", "db01.internal.example.com"),
    ("contact", "team-platform@example.com", "team-platform@example.com"),
    (
        "runbook",
        "https://wiki.example.com/db/failover?node=primary",
        "https://wiki.example.com/db/failover?node=primary",
    ),
    ("db.example.com/dsn", "postgres://orders_ro@db.example.com:5432/orders", "orders_ro"),
    (
        "db.example.com/url",
        "jdbc:postgresql://db.example.com:5432/orders",
        "jdbc:postgresql://db.example.com:5432/orders",
    ),
    ("cluster.x-k8s.io/cluster-name", "production-eu-west-1", "production-eu-west-1"),
    (
        "crossplane.io/external-name",
        "arn:aws:rds:eu-west-1:123456789012:db:orders",
        "arn:aws:rds:eu-west-1:123456789012:db:orders",
    ),
    ("strimzi.io/cluster", "my-kafka-cluster", "my-kafka-cluster"),
    ("confluent.io/bootstrap", "broker-0.kafka:9092,broker-1.kafka:9092", "broker-1.kafka:9092"),
    ("operator.min.io/endpoint", "https://minio.storage.svc.cluster.local:9000", "minio.storage.svc.cluster.local"),
    ("username", "administrator", "administrator"),
    ("login", "user: administrator, ask the team for the password", "administrator"),
    ("env", "{\"DB_HOST\":\"db.example.com\",\"DB_USER\":\"application\"}", "application"),
    ("env", "{\"DB_HOST\":\"db.example.com\",\"DB_USER\":\"application\"}", "db.example.com"),
    ("created", "2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
    ("chart", "kube-prometheus-stack-58.1.3", "kube-prometheus-stack-58.1.3"),
    ("smtp", "smtp.mailgun.org:587 as postmaster@mg.example.com", "postmaster@mg.example.com"),
    ("path", "/var/run/secrets/app/config.json", "/var/run/secrets/app/config.json"),
    ("bucket", "backups-of-cluster-eu1", "backups-of-cluster-eu1"),
    ("team", "PlatformEngineering", "PlatformEngineering"),
    ("checksum/config", "9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"),
    ("reconcile.external-secrets.io/data-hash", "8d777f385d3dfec8815d20f7496026dc", "8d777f385d3dfec8815d20f7496026dc"),
    ("git-commit", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (
        "fingerprint",
        "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
        "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    ),
    ("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("channel", "C024BE91L2X", "C024BE91L2X"),
    ("tailscale.com/hostname", "db-7f9c2a1b", "db-7f9c2a1b"),
    ("pod", "web-5d4f8c7b9-x2k4q", "web-5d4f8c7b9-x2k4q"),
    ("bucket", "arn:aws:s3:::my-bucket-x7Y2", "arn:aws:s3:::my-bucket-x7Y2"),
    ("auth", "auth: basic-users", "basic-users"),
    ("existingSecret", "existingSecret: app-database-2", "app-database-2"),
    ("note", "secret: basic-auth-prod", "basic-auth-prod"),
    ("token-of", "token: ci-deploy-robot", "ci-deploy-robot"),
];

#[test]
fn ordinary_annotations_are_no_reason_to_refuse() {
    assert!(ORDINARY.len() >= 40);
    for (name, text, value) in ORDINARY {
        let found = look(name, text, "item", &Plaintext::new(value.as_bytes().to_vec()));
        assert_eq!(found, Some(Leak::Possible), "{name}: {text}");
    }
}

#[test]
fn what_is_certain_is_told_apart() {
    let json = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"user":"administrator"}}"#;
    let data = r#"{"apiVersion":"v1","data":{"user":"YWRtaW5pc3RyYXRvcg=="},"kind":"Secret"}"#;
    let yaml = "apiVersion: v1\nkind: Secret\nstringData:\n  user: administrator\n";
    let encoded = sealer_encoding::base64::encode(json);
    for (text, value) in [
        (json, "administrator"),
        (data, "administrator"),
        (yaml, "administrator"),
        (encoded.as_str(), "administrator"),
        ("k7Jx9!pQ2mLz", "k7Jx9!pQ2mLz"),
        ("k7Jx9!pQ2mLz", "k7Jx9!pQ2mLz\n"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"),
        ("S3cr3t-P4ssw0rd", "S3cr3t-P4ssw0rd"),
        ("backup: password=hunter2hunter2 since May", "hunter2hunter2"),
        ("DB_PASSWORD: correct-horse", "correct-horse"),
        ("{\"password\":\"correct-horse\"}", "correct-horse"),
        ("{\\\"password\\\": \\\"correct-horse\\\"}", "correct-horse"),
        ("the password is correct-horse", "correct-horse"),
        ("rotate: k=k7Jx9!pQ2mLz;x", "k7Jx9!pQ2mLz"),
        ("postgres://app:k7Jx9!pQ2mLz@db.example.com/app", "k7Jx9!pQ2mLz"),
        ("postgres://app:hunter@db.example.com/app", "postgres://app:hunter@db.example.com/app"),
        ("Y29ycmVjdC1ob3JzZQ==", "correct-horse"),
        ("636f72726563742d686f727365", "correct-horse"),
    ] {
        assert_eq!(leak(text, value), Some(Leak::Certain), "{text}: {value}");
    }
}

#[test]
fn what_stands_in_a_sentence_is_possible() {
    for (text, value) in [
        ("rotated after correct-horse was found in a chat", "correct-horse"),
        ("see k7Jx9!pQ2mLz in the old system", "k7Jx9!pQ2mLz"),
        ("correct-horse", "correct-horse"),
    ] {
        assert_eq!(leak(text, value), Some(Leak::Possible), "{text}");
    }
    assert_eq!(leak("true", "true"), None);
    assert_eq!(leak("nothing of it", "k7Jx9!pQ2mLz"), None);
}
