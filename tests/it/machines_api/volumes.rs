//! Volumes: what is sent, and what is made of the answers.

use std::sync::Arc;

use fly_autoscaler::model::{HostStatus, Region, Volume, VolumeId};
use fly_autoscaler::ports::{ErrorClass, MachinesApi, VolumeRequest};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{answering, app, fly, only_request};

fn wire() -> Value {
    json!({
        "id": "vol_1", "name": "data", "state": "created", "size_gb": 3, "region": "lhr",
        "zone": "a1b2", "encrypted": true, "attached_machine_id": "m1", "host_status": "ok",
    })
}

fn volume() -> Volume {
    Volume {
        id: VolumeId::new("vol_1"),
        name: Arc::from("data"),
        region: Region::new("lhr"),
        size_gb: Some(3),
        encrypted: Some(true),
        is_attached: true,
        host_status: HostStatus::Ok,
        state: Arc::from("created"),
    }
}

fn request() -> VolumeRequest {
    VolumeRequest {
        name: Arc::from("data"),
        region: Region::new("lhr"),
        size_gb: Some(3),
        encrypted: Some(true),
        guest: Some(json!({"cpus": 1})),
        image: Arc::from("i"),
    }
}

#[tokio::test]
async fn the_volumes_are_listed() {
    for (body, want) in [(json!([wire()]), vec![volume()]), (Value::Null, vec![])] {
        let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        assert_eq!(fly(&server).list_volumes(&app()).await.unwrap(), want);
        assert_eq!(only_request(&server).await, ["GET /v1/apps/my-app/volumes"]);
    }
}

#[tokio::test]
async fn a_new_volume_sends_what_is_known_and_leaves_the_rest_to_fly() {
    let bare = VolumeRequest { size_gb: None, encrypted: None, guest: None, ..request() };
    for (request, body) in [
        (
            request(),
            r#"{"compute":{"cpus":1},"compute_image":"i","encrypted":true,"name":"data","region":"lhr","require_unique_zone":true,"size_gb":3}"#,
        ),
        (bare, r#"{"compute_image":"i","name":"data","region":"lhr","require_unique_zone":true}"#),
    ] {
        let server = answering(ResponseTemplate::new(200).set_body_json(wire())).await;
        assert_eq!(fly(&server).create_volume(&app(), &request).await.unwrap(), volume());
        assert_eq!(
            only_request(&server).await,
            ["POST /v1/apps/my-app/volumes", "content-type: application/json", body]
        );
    }
}

#[tokio::test]
async fn what_goes_wrong_with_volumes_is_said() {
    // call | status | body | class | outcome unknown | the error
    let table = [
        (
            "create",
            400,
            json!({"error": "no capacity"}),
            ErrorClass::Capacity,
            false,
            "create volume data of my-app in lhr: 400 no capacity",
        ),
        (
            "create",
            422,
            json!({"error": "invalid name"}),
            ErrorClass::Rejected,
            false,
            "create volume data of my-app in lhr: 422 invalid name",
        ),
        (
            "create",
            503,
            json!({"error": "boom"}),
            ErrorClass::Transient,
            true,
            "create volume data of my-app in lhr: 503 boom",
        ),
        (
            "create",
            200,
            json!({"id": "vol_1"}),
            ErrorClass::Rejected,
            true,
            "create volume data of my-app in lhr: 200 with an answer that cannot be read: the volume has no name",
        ),
        (
            "list",
            500,
            json!({"error": "boom"}),
            ErrorClass::Transient,
            false,
            "list volumes my-app: 500 boom",
        ),
        (
            "list",
            404,
            json!({"error": "not found"}),
            ErrorClass::Rejected,
            false,
            "list volumes my-app: 404 not found; app my-app was not found, or the token does not cover it",
        ),
        (
            "list",
            200,
            json!([wire(), {"id": "vol_2", "name": "data"}]),
            ErrorClass::Rejected,
            false,
            "list volumes my-app: 200 with an answer that cannot be read: volume 1 of the list has no region",
        ),
    ];
    for (call, status, body, class, unknown, want) in table {
        let server = answering(ResponseTemplate::new(status).set_body_json(body)).await;
        let (fly, app) = (fly(&server), app());
        let error = match call {
            "create" => fly.create_volume(&app, &request()).await.unwrap_err(),
            _ => fly.list_volumes(&app).await.unwrap_err(),
        };
        assert_eq!(error.to_string(), want);
        assert_eq!((error.class, error.outcome_unknown), (class, unknown), "{want}");
        let sent = server.received_requests().await.unwrap().len();
        assert!(call == "list" || sent == 1, "a volume is never asked for twice: {want}");
    }
}
