//! The terminal: keys in, frames out, and back to what it was.

use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Running, view};

/// How often a frame is drawn and keys are read: often enough to feel immediate. Only cells that
/// changed are written.
const FRAME: Duration = Duration::from_millis(80);

/// Gives the terminal back, however the view ends. A panic does it by ratatui's own hook.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = ratatui::try_restore();
    }
}

/// Draws what happens until someone quits.
pub(crate) async fn run(running: &mut Running) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let _restore = Restore;
    loop {
        if quit_asked()? {
            return Ok(());
        }
        running.look()?;
        let picture = running.picture();
        terminal.draw(|frame| view::draw(frame, &picture))?;
        let frame = tokio::time::sleep(FRAME);
        tokio::pin!(frame);
        // At a high speed ticks come faster than frames, and none should be missed.
        loop {
            tokio::select! {
                () = &mut frame => break,
                () = running.clock.sleep(running.look_distance()) => {}
            }
            running.look()?;
        }
    }
}

/// Reads the keys that wait.
fn quit_asked() -> std::io::Result<bool> {
    while event::poll(Duration::ZERO)? {
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
            && quits(key)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn quits(key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => true,
        // In raw mode Ctrl-C is a key and no signal.
        KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}
