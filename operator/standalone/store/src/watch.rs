//! A watch: a place in the window of events, and whose events are wanted.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::Gone;
use crate::object::{Key, Revision};
use crate::published::Published;
use crate::window::Event;

/// The events of a resource from a revision on, each once, in the order of their revisions.
///
/// It holds no event itself: one that is read too slowly costs nothing, and is told [`Gone`] when the window has moved on.
#[derive(Debug)]
pub struct Watch {
    published: watch::Receiver<Published>,
    resource: Arc<str>,
    namespace: Option<Arc<str>>,
    cursor: Revision,
}

impl Watch {
    pub(crate) fn new(
        published: watch::Receiver<Published>,
        resource: Arc<str>,
        namespace: Option<Arc<str>>,
        after: Revision,
    ) -> Result<Watch, Gone> {
        published.borrow().window.after(after).map(drop)?;
        Ok(Watch { published, resource, namespace, cursor: after })
    }

    /// Waits for the next event. A call that is dropped while it waits has lost nothing.
    ///
    /// # Errors
    ///
    /// The window has moved on, or the store was closed: list again, and watch from there.
    pub async fn next(&mut self) -> Result<Event, Gone> {
        loop {
            if let Some(event) = self.advance()? {
                return Ok(event);
            }
            self.published.changed().await.map_err(|_| Gone { oldest: self.cursor })?;
        }
    }

    /// The next event if it has happened already.
    ///
    /// # Errors
    ///
    /// The window has moved on: list again, and watch from there.
    pub fn advance(&mut self) -> Result<Option<Event>, Gone> {
        let published = self.published.borrow_and_update();
        let mut events = published.window.after(self.cursor)?;
        let found = events
            .find(|event| wanted(&event.object.key, &self.resource, self.namespace.as_deref()))
            .cloned();
        self.cursor = match &found {
            Some(event) => event.revision,
            None => self.cursor.max(published.snapshot.revision()),
        };
        Ok(found)
    }

    /// Up to here every event was told: what a bookmark says, and where another watch can go on.
    pub fn revision(&self) -> Revision {
        self.cursor
    }
}

fn wanted(key: &Key, resource: &str, namespace: Option<&str>) -> bool {
    *key.resource == *resource && namespace.is_none_or(|namespace| *key.namespace == *namespace)
}
