//! The page for people. Its files are in the binary, and it loads nothing from elsewhere.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Refusal;

/// What the page may load and do: its own scripts and styles, and asking this server. No script or style
/// that stands in the markup runs, so that a name that gets there by a mistake does not either.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One file of the page.
struct File {
    /// Below `/assets/`.
    path: &'static str,
    content_type: &'static str,
    content: &'static str,
}

/// The files of the folder `page`, each with its content type.
macro_rules! files {
    ($($path:literal: $content_type:expr,)+) => {
        &[$(File {
            path: $path,
            content_type: $content_type,
            content: include_str!(concat!("page/", $path)),
        },)+]
    };
}

const INDEX: File = File { path: "", content_type: HTML, content: include_str!("page/index.html") };

const ASSETS: &[File] = files! {
    "icon.svg": SVG,
    "layout.css": CSS,
    "parts.css": CSS,
    "phone.css": CSS,
    "theme.css": CSS,
    "js/announce.js": JAVASCRIPT,
    "js/api.js": JAVASCRIPT,
    "js/apps.js": JAVASCRIPT,
    "js/charts.js": JAVASCRIPT,
    "js/choices.js": JAVASCRIPT,
    "js/clock.js": JAVASCRIPT,
    "js/configuration.js": JAVASCRIPT,
    "js/dom.js": JAVASCRIPT,
    "js/explanation.js": JAVASCRIPT,
    "js/history.js": JAVASCRIPT,
    "js/live.js": JAVASCRIPT,
    "js/main.js": JAVASCRIPT,
    "js/now.js": JAVASCRIPT,
    "js/plot.js": JAVASCRIPT,
    "js/regions.js": JAVASCRIPT,
    "js/series.js": JAVASCRIPT,
    "js/theme.js": JAVASCRIPT,
    "js/time.js": JAVASCRIPT,
    "js/words.js": JAVASCRIPT,
    "vendor/uplot/uPlot.esm.js": JAVASCRIPT,
    "vendor/uplot/uPlot.min.css": CSS,
};

pub(super) async fn index(headers: HeaderMap) -> Response {
    INDEX.answer(&headers)
}

pub(super) async fn asset(
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let file = ASSETS.iter().find(|own| own.path == path);
    let none = || Refusal::new(StatusCode::NOT_FOUND, "the page has no such file");
    Ok(file.ok_or_else(none)?.answer(&headers))
}

impl File {
    /// The file, or that it is still the one that the browser has.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = self.tag();
        let own: [(HeaderName, String); 3] = [
            (CONTENT_SECURITY_POLICY, POLICY.into()),
            // Asked for again each time: after an update the files must fit together.
            (CACHE_CONTROL, "no-cache".into()),
            (ETAG, tag.clone()),
        ];
        let is_known = headers
            .get(IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tags| tags.split(',').any(|own| own.trim() == tag));
        if is_known {
            return (StatusCode::NOT_MODIFIED, own).into_response();
        }
        (own, [(CONTENT_TYPE, self.content_type)], self.content).into_response()
    }

    /// Differs where the content does.
    fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use regex::Regex;

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/page")
    }

    /// The files below `folder` that a browser could want.
    fn on_disk(folder: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                on_disk(&path, into);
            } else if path.extension().is_some_and(|own| own != "md" && own != "html") {
                let below = path.strip_prefix(self::folder()).expect("below the folder");
                into.insert(below.to_str().expect("a plain name").to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served_and_its_type_fits_its_name() {
        let mut files = BTreeSet::new();
        on_disk(&folder(), &mut files);
        // What says whose code it is need not be loaded by the page.
        files.retain(|own| !own.ends_with("LICENSE"));
        let served: BTreeSet<String> = ASSETS.iter().map(|own| own.path.to_owned()).collect();
        assert_eq!(served, files);
        for file in ASSETS {
            let wanted = match file.path.rsplit('.').next() {
                Some("js") => JAVASCRIPT,
                Some("css") => CSS,
                _ => SVG,
            };
            assert_eq!(file.content_type, wanted, "{}", file.path);
        }
    }

    #[test]
    fn what_a_file_names_is_served_and_nothing_else_is_named() {
        let served: BTreeSet<&str> = ASSETS.iter().map(|own| own.path).collect();
        let loads = Regex::new(r#"(?:src|href)="([^"]+)""#).expect("a pattern");
        for found in loads.captures_iter(INDEX.content) {
            let target = &found[1];
            let is_known = target.strip_prefix("/assets/").is_some_and(|own| served.contains(own));
            let is_own = target.starts_with('#')
                || (target.starts_with('/') && !target[1..].starts_with('/'));
            assert!(is_known || (is_own && !target.starts_with("/assets/")), "{target}");
        }
        let imports = Regex::new(r#"(?m)^import .* from '([^']+)';$"#).expect("a pattern");
        let mut imported = 0;
        for file in ASSETS.iter().filter(|own| own.path.starts_with("js/")) {
            for found in imports.captures_iter(file.content) {
                let target = found[1].replace("../", "").replace("./", "js/");
                assert!(served.contains(target.as_str()), "{}: {target}", file.path);
                imported += 1;
            }
        }
        assert!(imported > 20, "the imports were not read");
    }

    /// The other half of the policy: nothing makes markup out of text, so that nothing depends on it alone.
    #[test]
    fn no_script_makes_markup_out_of_text() {
        let makes = Regex::new(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|setHTML|srcdoc|javascript:",
        )
        .expect("a pattern");
        for file in ASSETS.iter().filter(|own| own.content_type == JAVASCRIPT) {
            assert_eq!(makes.find(file.content).map(|own| own.as_str()), None, "{}", file.path);
        }
        let inline = Regex::new(r#"<script>|<style|\sstyle="|\son[a-z]+=""#).expect("a pattern");
        assert_eq!(inline.find(INDEX.content).map(|own| own.as_str()), None);
    }

    #[test]
    fn each_file_says_what_it_is_and_what_it_may_load_and_is_sent_again_only_if_it_differs() {
        for file in ASSETS.iter().chain([&INDEX]) {
            let answer = file.answer(&HeaderMap::new());
            let header = |name: HeaderName| answer.headers()[name].to_str().expect("text");
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(header(CONTENT_TYPE), file.content_type);
            assert_eq!(
                (header(CONTENT_SECURITY_POLICY), header(CACHE_CONTROL)),
                (POLICY, "no-cache")
            );

            let mut known = HeaderMap::new();
            let tags = format!("\"other\", {}", header(ETAG));
            known.insert(IF_NONE_MATCH, tags.parse().expect("a header"));
            assert_eq!(file.answer(&known).status(), StatusCode::NOT_MODIFIED);
        }
        assert!(!POLICY.contains("unsafe") && POLICY.starts_with("default-src 'none'; "));
    }

    #[test]
    fn the_tag_differs_from_file_to_file() {
        let tags: BTreeSet<String> = ASSETS.iter().chain([&INDEX]).map(File::tag).collect();
        assert_eq!(tags.len(), ASSETS.len() + 1);
    }
}
