//! Whether the configuration file has another content than the one that was read last.

use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::Path;

use super::env::EnvSource;
use super::env_vars::FAS_CONFIG;
use super::flags::FlagValues;
use super::yaml::MAX_BYTES;

/// The path of the configuration file; `None` where there is none, or no file that could change: a pipe is
/// read once.
#[must_use]
pub fn config_path<'a>(flags: &'a FlagValues, env: &'a dyn EnvSource) -> Option<&'a str> {
    let set = || env.get(FAS_CONFIG).filter(|path| !path.trim().is_empty());
    let path = flags.config.as_deref().or_else(set)?;
    // What is not there now may be there again.
    let may_change = fs::metadata(path).map_or(true, |own| own.is_file());
    may_change.then_some(path)
}

/// Follows a file through whatever editors, `mv` and symbolic links do to it: by its content, since a file may
/// be written twice within one tick of its clock. A configuration is small.
///
/// It is a change only once the file was found the same in two looks: one that is being written is not taken for
/// a short one.
#[derive(Debug)]
pub struct Watch {
    fingerprints: RandomState,
    /// What was read last; `None`: what was read was not what a look had found, and counts for nothing.
    read: Option<Content>,
    /// What the last look found.
    seen: Content,
}

/// A fingerprint of the content; `None` where it cannot be read.
type Content = Option<u64>;

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glimpse {
    /// What was read last.
    Same,
    /// Something else, perhaps for a moment only.
    Moving,
    /// Something else, or nothing, that stays.
    Changed,
}

impl Watch {
    /// Follows the file at `path`, which is about to be read.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let mut watch = Self { fingerprints: RandomState::new(), read: None, seen: None };
        watch.mark_read(path);
        watch
    }

    /// Takes what is at `path` now as read. To be said before it is read: what changes meanwhile is found by
    /// the next look.
    pub fn mark_read(&mut self, path: &Path) {
        self.seen = self.find(path);
        self.read = Some(self.seen);
    }

    /// Whether the file at `path` is still what [`Watch::look`] found a change in. If not, somebody was writing
    /// while it was read, and what stays is a change again.
    pub fn is_still(&mut self, path: &Path) -> bool {
        let is_still = Some(self.find(path)) == self.read;
        if !is_still {
            self.read = None;
        }
        is_still
    }

    /// Looks at the file at `path`. A change is taken as read.
    pub fn look(&mut self, path: &Path) -> Glimpse {
        let now = self.find(path);
        let before = std::mem::replace(&mut self.seen, now);
        match now {
            now if Some(now) == self.read => Glimpse::Same,
            now if now == before => {
                self.read = Some(now);
                Glimpse::Changed
            }
            _ => Glimpse::Moving,
        }
    }

    fn find(&self, path: &Path) -> Content {
        content(path).ok().map(|bytes| self.fingerprints.hash_one(bytes))
    }
}

/// The content as far as it can be a configuration: of more than that only the beginning.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// What looks give after each of `steps`, two of them each.
    fn looks(steps: &[&dyn Fn(&Path)]) -> Vec<[Glimpse; 2]> {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("fas.yml");
        fs::write(&path, "a: 1\n").expect("written");
        let mut watch = Watch::new(&path);
        let mut found = Vec::new();
        for step in steps {
            step(&path);
            found.push([watch.look(&path), watch.look(&path)]);
        }
        found
    }

    fn write(text: &'static str) -> impl Fn(&Path) {
        move |path| fs::write(path, text).expect("written")
    }

    fn replace(text: &'static str) -> impl Fn(&Path) {
        move |path| {
            let beside = path.with_extension("new");
            fs::write(&beside, text).expect("written");
            fs::rename(&beside, path).expect("renamed");
        }
    }

    fn remove(path: &Path) {
        fs::remove_file(path).expect("removed");
    }

    const SAME: [Glimpse; 2] = [Glimpse::Same; 2];
    const NEW: [Glimpse; 2] = [Glimpse::Moving, Glimpse::Changed];

    #[test]
    fn whatever_changes_the_content_is_found_in_the_second_look() {
        let found = looks(&[
            &|_| {},
            // Touched: another time, the same content.
            &write("a: 1\n"),
            &write("a: 2\n"),
            &replace("a: 3\n"),
            &replace("a: 3\n"),
            &remove,
            &|_| {},
            &write("a: 3\n"),
            &write("a: 4\n"),
        ]);
        assert_eq!(found, [SAME, SAME, NEW, NEW, SAME, NEW, SAME, NEW, NEW]);
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_a_change() {
        // As Kubernetes mounts a ConfigMap: the file leads through `..data`, which is exchanged as a whole.
        let folder = TempDir::new().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("1", "a: 1\n"), ("2", "a: 2\n")] {
            fs::create_dir(at(version)).expect("created");
            fs::write(at(version).join("fas.yml"), text).expect("written");
        }
        let lead_to = |version: &str| {
            std::os::unix::fs::symlink(version, at("..tmp")).expect("linked");
            fs::rename(at("..tmp"), at("..data")).expect("renamed");
        };
        lead_to("1");
        let path = at("fas.yml");
        std::os::unix::fs::symlink("..data/fas.yml", &path).expect("linked");
        let mut watch = Watch::new(&path);
        lead_to("2");
        assert_eq!([watch.look(&path), watch.look(&path)], NEW);
    }

    #[test]
    fn a_file_that_is_being_written_is_waited_for() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("fas.yml");
        fs::write(&path, "a: 1\nb: 2\n").expect("written");
        let mut watch = Watch::new(&path);
        for part in ["", "a: 1\n", "a: 1\nb:", "a: 1\nb: 3\n"] {
            fs::write(&path, part).expect("written");
            assert_eq!(watch.look(&path), Glimpse::Moving, "{part}");
        }
        assert_eq!(watch.look(&path), Glimpse::Changed);
    }

    #[test]
    fn what_is_written_while_it_is_read_is_a_change_once_it_stays() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("fas.yml");
        fs::write(&path, "a: 1\n").expect("written");
        let mut watch = Watch::new(&path);
        fs::write(&path, "a: 2\n").expect("written");
        assert_eq!([watch.look(&path), watch.look(&path)], NEW);
        assert!(watch.is_still(&path));
        fs::write(&path, "a: 3\n").expect("written");
        assert!(!watch.is_still(&path));
        // Even where it is again what the look had found: that was not read.
        fs::write(&path, "a: 2\n").expect("written");
        assert_eq!(watch.look(&path), Glimpse::Changed);
        assert!(watch.is_still(&path));
        assert_eq!(watch.look(&path), Glimpse::Same);
    }

    #[test]
    fn there_is_no_waiting_for_what_is_no_file() {
        let folder = TempDir::new().expect("a folder");
        let env: super::super::MapEnv = [("NOTHING", "")].into_iter().collect();
        let of = |path: &Path| {
            let flags = FlagValues::default().with_config(path.to_str().expect("UTF-8"));
            config_path(&flags, &env).is_some()
        };
        assert!(of(&folder.path().join("not there yet.yml")));
        assert!(!of(folder.path()) && !of(Path::new("/dev/null")));
        assert_eq!(Watch::new(Path::new("/dev/zero")).look(Path::new("/dev/zero")), Glimpse::Same);
    }
}
