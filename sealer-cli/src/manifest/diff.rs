//! Lines of a text that differ, as a patch shows them.

/// The runs of lines that differ, without lines around them.
pub(crate) fn diff(path: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut text = format!("--- {path}\n+++ {path}\n");
    if old.len() != new.len() {
        return text + &one_hunk(&old, &new);
    }
    let mut at = 0;
    while at < old.len() {
        let differing = old.iter().zip(&new).skip(at).take_while(|(old, new)| old != new).count();
        text.push_str(&hunk(at, &old, &new, differing, differing));
        at += differing.max(1);
    }
    text
}

/// Everything between what is the same at both ends: a value over several lines became one line.
fn one_hunk(old: &[&str], new: &[&str]) -> String {
    let shorter = old.len().min(new.len());
    let begin = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count().min(shorter - begin);
    hunk(begin, old, new, old.len() - end - begin, new.len() - end - begin)
}

fn hunk(begin: usize, old: &[&str], new: &[&str], olds: usize, news: usize) -> String {
    if olds + news == 0 {
        return String::new();
    }
    let lines = |mark: char, lines: &[&str], count: usize| {
        lines.iter().skip(begin).take(count).map(|line| format!("{mark}{line}\n")).collect::<String>()
    };
    let head = format!("@@ -{0},{olds} +{0},{news} @@\n", begin + 1);
    head + &lines('-', old, olds) + &lines('+', new, news)
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn only_lines_that_differ_are_shown() {
        let text = diff("a", "1\n2\n3\n4\n5\n", "1\nb\n3\nd\ne\n");
        assert_eq!(text, "--- a\n+++ a\n@@ -2,1 +2,1 @@\n-2\n+b\n@@ -4,2 +4,2 @@\n-4\n-5\n+d\n+e\n");
    }

    #[test]
    fn a_value_over_several_lines_may_become_one() {
        assert_eq!(diff("a", "1\n2\n3\n4\n", "1\nb\n4\n"), "--- a\n+++ a\n@@ -2,2 +2,1 @@\n-2\n-3\n+b\n");
        assert_eq!(diff("a", "1\n1\n", "1\n"), "--- a\n+++ a\n@@ -2,1 +2,0 @@\n-1\n");
    }
}
