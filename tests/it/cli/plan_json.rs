//! `plan --format json`: the tick as programs read it.

use insta::assert_snapshot;

use super::{Fly, my_app};

const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");
const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");

#[tokio::test]
async fn machines_to_start_with_those_that_would_be_tried_next() {
    let fly = Fly::with(&my_app(1, 3, 25.0).with_machines("lhr", 1, 0)).await;
    let json = fly.command(&["plan", "--format", "json"]).env(&[STARTED]).run_beside().await;
    assert_snapshot!(json, @r#"
    exit 0
    --- stdout
    {
      "at": "[TIME]",
      "outcome": "acted",
      "dry_run": true,
      "samples": [
        {
          "metric": "queue_depth",
          "value": 25.0
        }
      ],
      "machines": [
        {
          "group": "app",
          "region": "iad",
          "state": "started",
          "count": 1
        },
        {
          "group": "app",
          "region": "iad",
          "state": "stopped",
          "count": 3
        },
        {
          "group": "app",
          "region": "lhr",
          "state": "started",
          "count": 1
        }
      ],
      "regions": [
        {
          "group": "app",
          "rows": [
            {
              "region": "iad",
              "samples": {},
              "machines": {
                "started": 1,
                "stopped": 3
              },
              "wanted": null,
              "targets": null,
              "actions": {
                "start": 1
              },
              "held": false,
              "skipped": false,
              "why": {
                "code": "below_min",
                "kind": "started",
                "observed": 2,
                "target": 3,
                "text": "2 started, at least 3 wanted",
                "of_total": true
              },
              "reasons": [
                {
                  "code": "below_min",
                  "kind": "started",
                  "observed": 2,
                  "target": 3,
                  "text": "2 started, at least 3 wanted",
                  "of_total": true
                }
              ]
            },
            {
              "region": "lhr",
              "samples": {},
              "machines": {
                "started": 1
              },
              "wanted": null,
              "targets": null,
              "actions": {},
              "held": false,
              "skipped": false,
              "why": null,
              "reasons": []
            }
          ],
          "more": 0,
          "total": {
            "region": null,
            "samples": {},
            "machines": {
              "started": 2,
              "stopped": 3
            },
            "wanted": {
              "created": {
                "min": null,
                "max": null
              },
              "started": {
                "min": 3,
                "max": 3
              }
            },
            "targets": {
              "created": {
                "min": null,
                "max": null
              },
              "started": {
                "min": 3,
                "max": 3
              }
            },
            "actions": {
              "start": 1
            },
            "held": false,
            "skipped": false,
            "why": {
              "code": "below_min",
              "kind": "started",
              "observed": 2,
              "target": 3,
              "text": "2 started, at least 3 wanted"
            },
            "reasons": [
              {
                "code": "below_min",
                "kind": "started",
                "observed": 2,
                "target": 3,
                "text": "2 started, at least 3 wanted"
              }
            ]
          }
        }
      ],
      "evaluated": [
        {
          "group": "app",
          "region": null,
          "kind": "started",
          "expression": "ceil(queue_depth / 10)",
          "values": {
            "queue_depth": 25.0
          },
          "gave": 3.0,
          "count": 3
        }
      ],
      "plan": {
        "verdict": "act",
        "scopes": [
          {
            "group": "app",
            "region": null,
            "observed": {
              "created": 5,
              "started": 2,
              "stopped": 3,
              "unreachable": 0
            },
            "wanted": {
              "created": {
                "min": null,
                "max": null
              },
              "started": {
                "min": 3,
                "max": 3
              }
            },
            "targets": {
              "created": {
                "min": null,
                "max": null
              },
              "started": {
                "min": 3,
                "max": 3
              }
            },
            "actions": [
              {
                "action": "start",
                "machine": "2460a1ddbfa683",
                "region": "iad",
                "reason": {
                  "code": "below_min",
                  "kind": "started",
                  "observed": 2,
                  "target": 3,
                  "text": "2 started, at least 3 wanted"
                },
                "choice": {
                  "rule": "start",
                  "place": 1,
                  "of": 3,
                  "suspended": false,
                  "release": 1,
                  "text": "suspended before stopped, then the newest release, then by id: 1st of 3 that can be started (stopped, release 1)"
                }
              }
            ],
            "spares": [
              {
                "action": "start",
                "machine": "ac9b412dd47c47",
                "region": "iad"
              },
              {
                "action": "start",
                "machine": "baefd88d43db45",
                "region": "iad"
              }
            ],
            "reasons": [
              {
                "code": "below_min",
                "kind": "started",
                "observed": 2,
                "target": 3,
                "text": "2 started, at least 3 wanted"
              }
            ]
          }
        ]
      },
      "outcomes": [],
      "fly_failed": false
    }
    "#);
}

#[tokio::test]
async fn machines_to_create_without_the_config_that_is_cloned() {
    let fly = Fly::with(&my_app(2, 0, 45.0)).await;
    let regions = ("FAS_REGIONS", "iad,lhr,nrt");
    let json = fly.command(&["plan", "--format=json"]).env(&[CREATED, regions]).run_beside().await;
    assert_snapshot!(json, @r#"
    exit 0
    --- stdout
    {
      "at": "[TIME]",
      "outcome": "acted",
      "dry_run": true,
      "samples": [
        {
          "metric": "queue_depth",
          "value": 45.0
        }
      ],
      "machines": [
        {
          "group": "app",
          "region": "iad",
          "state": "started",
          "count": 2
        }
      ],
      "regions": [
        {
          "group": "app",
          "rows": [
            {
              "region": "iad",
              "samples": {},
              "machines": {
                "started": 2
              },
              "wanted": null,
              "targets": null,
              "actions": {},
              "held": false,
              "skipped": false,
              "why": null,
              "reasons": []
            },
            {
              "region": "lhr",
              "samples": {},
              "machines": {},
              "wanted": null,
              "targets": null,
              "actions": {
                "create": 2
              },
              "held": false,
              "skipped": false,
              "why": {
                "code": "below_min",
                "kind": "created",
                "observed": 2,
                "target": 5,
                "text": "2 created, at least 5 wanted",
                "of_total": true
              },
              "reasons": [
                {
                  "code": "below_min",
                  "kind": "created",
                  "observed": 2,
                  "target": 5,
                  "text": "2 created, at least 5 wanted",
                  "of_total": true
                }
              ]
            },
            {
              "region": "nrt",
              "samples": {},
              "machines": {},
              "wanted": null,
              "targets": null,
              "actions": {
                "create": 1
              },
              "held": false,
              "skipped": false,
              "why": {
                "code": "below_min",
                "kind": "created",
                "observed": 2,
                "target": 5,
                "text": "2 created, at least 5 wanted",
                "of_total": true
              },
              "reasons": [
                {
                  "code": "below_min",
                  "kind": "created",
                  "observed": 2,
                  "target": 5,
                  "text": "2 created, at least 5 wanted",
                  "of_total": true
                }
              ]
            }
          ],
          "more": 0,
          "total": {
            "region": null,
            "samples": {},
            "machines": {
              "started": 2
            },
            "wanted": {
              "created": {
                "min": 5,
                "max": 5
              },
              "started": {
                "min": null,
                "max": null
              }
            },
            "targets": {
              "created": {
                "min": 5,
                "max": 5
              },
              "started": {
                "min": null,
                "max": null
              }
            },
            "actions": {
              "create": 3
            },
            "held": false,
            "skipped": false,
            "why": {
              "code": "below_min",
              "kind": "created",
              "observed": 2,
              "target": 5,
              "text": "2 created, at least 5 wanted"
            },
            "reasons": [
              {
                "code": "below_min",
                "kind": "created",
                "observed": 2,
                "target": 5,
                "text": "2 created, at least 5 wanted"
              }
            ]
          }
        }
      ],
      "evaluated": [
        {
          "group": "app",
          "region": null,
          "kind": "created",
          "expression": "ceil(queue_depth / 10)",
          "values": {
            "queue_depth": 45.0
          },
          "gave": 5.0,
          "count": 5
        }
      ],
      "plan": {
        "verdict": "act",
        "scopes": [
          {
            "group": "app",
            "region": null,
            "observed": {
              "created": 2,
              "started": 2,
              "stopped": 0,
              "unreachable": 0
            },
            "wanted": {
              "created": {
                "min": 5,
                "max": 5
              },
              "started": {
                "min": null,
                "max": null
              }
            },
            "targets": {
              "created": {
                "min": 5,
                "max": 5
              },
              "started": {
                "min": null,
                "max": null
              }
            },
            "actions": [
              {
                "action": "create",
                "create_id": "[ID]",
                "regions": [
                  "lhr",
                  "nrt",
                  "iad"
                ],
                "template": {
                  "source": "94b35983cf8a35",
                  "image": "registry.fly.io/my-app:deployment-0001@sha256:323004afd266a5c8b5568bf33841ce5913fdcb310d1e5f5dd4d0d38b7322defd"
                },
                "start": true,
                "reason": {
                  "code": "below_min",
                  "kind": "created",
                  "observed": 2,
                  "target": 5,
                  "text": "2 created, at least 5 wanted"
                },
                "choice": {
                  "rule": "clone",
                  "source": "94b35983cf8a35",
                  "source_region": "iad",
                  "release": 1,
                  "place": 1,
                  "of": 2,
                  "region": "lhr",
                  "placement": {
                    "by": "fewest",
                    "machines": 0,
                    "of": 3
                  },
                  "text": "neither failed nor cordoned, then the newest release, then the same region, then by id: 94b35983cf8a35, 1st of 2 that can be cloned (in iad, release 1); lhr has the fewest machines (0) of 3 regions"
                }
              },
              {
                "action": "create",
                "create_id": "[ID]",
                "regions": [
                  "nrt",
                  "lhr",
                  "iad"
                ],
                "template": {
                  "source": "94b35983cf8a35",
                  "image": "registry.fly.io/my-app:deployment-0001@sha256:323004afd266a5c8b5568bf33841ce5913fdcb310d1e5f5dd4d0d38b7322defd"
                },
                "start": true,
                "reason": {
                  "code": "below_min",
                  "kind": "created",
                  "observed": 2,
                  "target": 5,
                  "text": "2 created, at least 5 wanted"
                },
                "choice": {
                  "rule": "clone",
                  "source": "94b35983cf8a35",
                  "source_region": "iad",
                  "release": 1,
                  "place": 1,
                  "of": 2,
                  "region": "nrt",
                  "placement": {
                    "by": "fewest",
                    "machines": 0,
                    "of": 3
                  },
                  "text": "neither failed nor cordoned, then the newest release, then the same region, then by id: 94b35983cf8a35, 1st of 2 that can be cloned (in iad, release 1); nrt has the fewest machines (0) of 3 regions"
                }
              },
              {
                "action": "create",
                "create_id": "[ID]",
                "regions": [
                  "lhr",
                  "nrt",
                  "iad"
                ],
                "template": {
                  "source": "94b35983cf8a35",
                  "image": "registry.fly.io/my-app:deployment-0001@sha256:323004afd266a5c8b5568bf33841ce5913fdcb310d1e5f5dd4d0d38b7322defd"
                },
                "start": true,
                "reason": {
                  "code": "below_min",
                  "kind": "created",
                  "observed": 2,
                  "target": 5,
                  "text": "2 created, at least 5 wanted"
                },
                "choice": {
                  "rule": "clone",
                  "source": "94b35983cf8a35",
                  "source_region": "iad",
                  "release": 1,
                  "place": 1,
                  "of": 2,
                  "region": "lhr",
                  "placement": {
                    "by": "fewest",
                    "machines": 1,
                    "of": 3
                  },
                  "text": "neither failed nor cordoned, then the newest release, then the same region, then by id: 94b35983cf8a35, 1st of 2 that can be cloned (in iad, release 1); lhr has the fewest machines (1) of 3 regions"
                }
              }
            ],
            "reasons": [
              {
                "code": "below_min",
                "kind": "created",
                "observed": 2,
                "target": 5,
                "text": "2 created, at least 5 wanted"
              }
            ]
          }
        ]
      },
      "outcomes": [],
      "fly_failed": false
    }
    "#);
}

#[tokio::test]
async fn a_tick_without_a_plan() {
    let fly = Fly::with(&my_app(2, 0, 45.0)).await;
    let elsewhere = fly.command(&["plan", "--format=json", "-app", "my-ap"]).env(&[STARTED]);
    assert_snapshot!(elsewhere.run_beside().await, @r#"
    exit 1
    --- stdout
    {
      "at": "[TIME]",
      "outcome": "failed",
      "dry_run": true,
      "samples": [
        {
          "metric": "queue_depth",
          "error": "the query `queue_depth{app=\"my-ap\"}` returned no series",
          "failures": [
            {
              "error": "the query `queue_depth{app=\"my-ap\"}` returned no series",
              "since": "[TIME]",
              "instead": "nothing"
            }
          ]
        }
      ],
      "machines": [],
      "regions": [],
      "plan": null,
      "outcomes": [],
      "error": "list machines my-ap: 404 app not found; app my-ap was not found, or the token does not cover it (fly-request-id [ID])",
      "fly_failed": true
    }
    --- stderr
    error: list machines my-ap: 404 app not found; app my-ap was not found, or the token does not cover it (fly-request-id [ID])
    "#);
}
