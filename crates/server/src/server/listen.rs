//! The console and the API: every slice's endpoints behind one gate, on one port.

use std::net::SocketAddr;

use account::Accounts;
use anyhow::{Context, Result};
use axum::Router;
use desk::Desk;
use fleet::Fleet;
use jobs::Shutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use web::{Gate, Mounted, mount_keeping};

use super::Core;
use crate::routes::{self, Own};
use crate::wiring::{AnswerBook, Auditor, Entrance, Past};

/// Starts listening; returns the address, which has the port that was taken for port 0.
pub(crate) async fn start(
    core: &Core,
    fleet: &Fleet,
    (entrance, accounts): (Entrance, &Accounts),
    running: &mut JoinSet<()>,
    shutdown: &Shutdown,
) -> Result<SocketAddr> {
    let desk = desk(core, fleet, entrance.clone(), accounts);
    running.spawn(desk::keep_live(desk.clone(), shutdown.clone()));
    let router = router(core, fleet, entrance, (accounts, desk));
    let address = core.config.listen;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: is another server running?"))?;
    let bound = listener.local_addr()?;
    let mut stop = shutdown.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    running.spawn(async move {
        let served = axum::serve(listener, service)
            .with_graceful_shutdown(async move { stop.wait().await })
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the console stopped listening");
        }
    });
    Ok(bound)
}

fn router(
    core: &Core,
    fleet: &Fleet,
    entrance: Entrance,
    (accounts, desk): (&Accounts, Desk),
) -> Router {
    let (slices, error_page) = mounted(core, fleet, entrance, (accounts, desk));
    let document = routes::document(&slices.specs);
    let gatekeeper = core.gatekeeper();
    let gate = Gate {
        authenticator: gatekeeper.clone(),
        authorizer: gatekeeper,
        audit: std::sync::Arc::new(Auditor::new(core.stores.db.clone())),
        error_page,
        env: core.env.clone(),
    };
    let sealer = core.notices.sealer.clone();
    let answers = AnswerBook::new(core.stores.db.clone(), sealer);
    mount_keeping(slices.merge(document), gate, std::sync::Arc::new(answers))
}

/// Every endpoint of the program.
pub(super) fn mounted(
    core: &Core,
    fleet: &Fleet,
    entrance: Entrance,
    (accounts, desk): (&Accounts, Desk),
) -> (Mounted, std::sync::Arc<dyn web::ErrorPage>) {
    let own = Own {
        tsdb: core.stores.tsdb.clone(),
        health: core.health.clone(),
        findings: core.findings.clone(),
    };
    let mounted = account::routes(accounts.clone())
        .merge(cmdb::routes(core.cmdb.clone()))
        .merge(desk::routes(desk.clone()))
        .merge(fleet::routes(fleet.clone(), std::sync::Arc::new(entrance)))
        .merge(notice::routes(core.stores.db.clone(), core.notices.clone()))
        .merge(problem::routes(core.stores.db.clone()))
        .merge(remedy::routes(core.remedies.clone()))
        .merge(watch::routes(watching(core)))
        .merge(routes::routes(own));
    (mounted, desk::error_pages(desk))
}

/// What the API of watching is given.
fn watching(core: &Core) -> watch::Api {
    watch::Api {
        watch: core.judging.watch.clone(),
        driver: core.judging.driver.clone(),
        inventory: std::sync::Arc::new(core.directory.clone()),
        history: std::sync::Arc::new(Past(core.stores.tsdb.clone())),
    }
}

/// What the console's handlers are given.
pub(super) fn desk(core: &Core, fleet: &Fleet, entrance: Entrance, accounts: &Accounts) -> Desk {
    Desk {
        env: core.env.clone(),
        db: core.stores.db.clone(),
        accounts: accounts.clone(),
        cmdb: core.cmdb.clone(),
        hosts: std::sync::Arc::new(core.judging.surroundings.clone()),
        watch: core.judging.watch.clone(),
        driver: core.judging.driver.clone(),
        fleet: fleet.clone(),
        entrance: std::sync::Arc::new(entrance),
        notices: core.notices.clone(),
        remedies: core.remedies.clone(),
        tsdb: core.stores.tsdb.clone(),
        health: std::sync::Arc::new(core.health.clone()),
        time_zone: core.config.time_zone.clone(),
        live: desk::Live::default(),
    }
}
