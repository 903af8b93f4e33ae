//! Where a redirect leads.

use crate::diagnostics::CliError;

/// The address that a redirect from another one names. From https it may not lead back to http: the certificate would come from anybody.
pub(crate) fn resolve(url: &str, next: &str) -> Result<String, CliError> {
    if let Some((scheme, _)) = next.split_once("://") {
        let is_https = |scheme: &str| scheme.eq_ignore_ascii_case("https");
        if url.split_once("://").is_some_and(|(own, _)| is_https(own)) && !is_https(scheme) {
            return Err(CliError::new(format!("Get \"{next}\": redirected from https to {scheme}"))
                .hint("a certificate that travels in the clear can be replaced; use the https address of the file"));
        }
        return Ok(next.to_owned());
    }
    let path_at = url.find("://").and_then(|at| url.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
    let (root, path) = path_at.and_then(|at| url.split_at_checked(at)).unwrap_or((url, "/"));
    if next.starts_with('/') {
        return Ok(format!("{root}{next}"));
    }
    let folder = path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or("/");
    Ok(format!("{root}{folder}{next}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn redirects_are_resolved_and_never_lose_tls() {
        assert_eq!(resolve("https://a/b/c", "/d").unwrap(), "https://a/d");
        assert_eq!(resolve("http://a:1/b/c", "d").unwrap(), "http://a:1/b/d");
        assert_eq!(resolve("http://a/b", "https://x/y").unwrap(), "https://x/y");
        for url in ["https://a/b", "HTTPS://a/b", "Https://a/b"] {
            assert!(resolve(url, "http://a/c").is_err(), "{url}");
            assert!(resolve(url, "HTTP://a/c").is_err(), "{url}");
        }
    }
}
