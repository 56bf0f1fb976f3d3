//! `$group(vk/nginx)`: a container group, named by its pod instead of by its drawn id.

use super::error::CaseError;
use super::names::PodName;

const OPENING: &str = "$group(";
const CLOSING: char = ')';

/// The pods whose groups `text` names, in the order of the text.
///
/// # Errors
/// [`CaseError::OpenReference`] and [`CaseError::NotAPod`].
pub fn pods(text: &str) -> Result<Vec<PodName>, CaseError> {
    let mut pods = Vec::new();
    replace(text, |pod| {
        pods.push(pod);
        Ok(String::new())
    })?;
    Ok(pods)
}

/// `text` with what `id` gives for each pod whose group it names.
///
/// # Errors
/// As [`pods`], and the error that `id` gives.
pub fn replace(
    text: &str,
    mut id: impl FnMut(PodName) -> Result<String, CaseError>,
) -> Result<String, CaseError> {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(OPENING) {
        let (pod, after) =
            after.split_once(CLOSING).ok_or_else(|| CaseError::OpenReference(after.to_owned()))?;
        filled.push_str(before);
        filled.push_str(&id(pod.parse()?)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reference_gives_way_to_the_id_of_its_group() {
        let id = |pod: PodName| Ok(format!("id-of-{}-{}", pod.namespace, pod.name));
        for (text, filled) in [
            ("", ""),
            ("echo $HOME", "echo $HOME"),
            ("$group(victim/v)", "id-of-victim-v"),
            ("a $group(v), $group(w/x)!", "a id-of-default-v, id-of-w-x!"),
        ] {
            assert_eq!(replace(text, id), Ok(filled.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_reference_that_names_no_pod_is_told_what_one_looks_like() {
        for text in ["$group(vk/nginx", "$group()", "$group(a/b/c)"] {
            assert!(pods(text).unwrap_err().to_string().contains("vk/nginx"), "{text}");
        }
    }
}
