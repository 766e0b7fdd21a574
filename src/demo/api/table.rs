//! Tables as `kubectl get` prints them: the server chooses the columns.

use serde_json::{Value, json};

use crate::demo::cluster;
use crate::demo::resources::Resource;

/// A column: its title, and how a cell is made from an object.
type Column = (&'static str, fn(&Value) -> String);

/// The table of these whole objects.
pub(super) fn of(resource: &Resource, objects: &[Value], metadata: &Value) -> Value {
    let columns = columns(resource);
    let definitions: Vec<Value> = columns
        .iter()
        .map(|(title, _)| {
            json!({"name": title, "type": "string", "format": if *title == "Name" { "name" } else { "" },
                "description": "", "priority": 0})
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<String> = columns.iter().map(|(_, cell)| cell(object)).collect();
            let about = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": object["metadata"]});
            json!({"cells": cells, "object": about})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {
            "resourceVersion": metadata["resourceVersion"], "continue": metadata["continue"].as_str().unwrap_or(""),
        },
        "columnDefinitions": definitions, "rows": rows,
    })
}

#[rustfmt::skip]
fn columns(resource: &Resource) -> Vec<Column> {
    let name: Column = ("Name", |o| text(&o["metadata"]["name"]));
    let age: Column = ("Age", age);
    let special: &[Column] = match resource.plural {
        "namespaces" => &[("Status", |o| text(&o["status"]["phase"]))],
        "nodes" => &[
            ("Status", |_| "Ready".to_owned()),
            ("Internal-IP", |o| text(&o["status"]["addresses"][0]["address"])),
            ("Version", |o| text(&o["status"]["nodeInfo"]["kubeletVersion"])),
        ],
        "pods" => &[("Ready", ready), ("Status", status), ("Restarts", restarts),
            ("IP", |o| text(&o["status"]["podIP"])), ("Node", |o| text(&o["spec"]["nodeName"]))],
        "services" => &[
            ("Type", |o| text(&o["spec"]["type"])),
            ("Cluster-IP", |o| text(&o["spec"]["clusterIP"])),
            ("External-IP", external_ips), ("Port(s)", ports),
        ],
        "endpointslices" => &[("AddressType", |o| text(&o["addressType"])), ("Ports", slice_ports),
            ("Endpoints", |o| join(&o["endpoints"], |e| text(&e["addresses"][0])))],
        "events" => return vec![
            ("Last Seen", age.1), ("Type", |o| text(&o["type"])), ("Reason", |o| text(&o["reason"])),
            ("Object", |o| format!("service/{}", text(&o["involvedObject"]["name"]))),
            ("Message", |o| text(&o["message"])),
        ],
        "ipaddresspools" => &[
            ("Auto Assign", |o| o["spec"]["autoAssign"].to_string()),
            ("Avoid Buggy IPs", |o| o["spec"]["avoidBuggyIPs"].to_string()),
            ("Addresses", |o| o["spec"]["addresses"].to_string()),
        ],
        "l2advertisements" | "bgpadvertisements" => &[
            ("IPAddressPools", |o| o["spec"].get("ipAddressPools").map_or_else(String::new, Value::to_string)),
        ],
        "servicel2statuses" | "servicebgpstatuses" => &[
            ("Allocated Node", |o| text(&o["status"]["node"])),
            ("Service Name", |o| text(&o["status"]["serviceName"])),
            ("Service Namespace", |o| text(&o["status"]["serviceNamespace"])),
        ],
        "configurationstates" => &[("Result", |o| text(&o["status"]["result"]))],
        _ => &[],
    };
    std::iter::once(name).chain(special.iter().copied()).chain([age]).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("<none>").to_owned()
}

fn join(list: &Value, cell: fn(&Value) -> String) -> String {
    let cells: Vec<String> = list.as_array().into_iter().flatten().map(cell).collect();
    if cells.is_empty() {
        "<none>".to_owned()
    } else {
        cells.join(",")
    }
}

fn age(object: &Value) -> String {
    let created = object["metadata"]["creationTimestamp"]
        .as_str()
        .unwrap_or("");
    let seconds = cluster::age_seconds(created).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn ready(pod: &Value) -> String {
    let ready = &pod["status"]["containerStatuses"][0]["ready"];
    format!("{}/1", u8::from(*ready == true))
}

fn status(pod: &Value) -> String {
    if pod["metadata"].get("deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let state = &pod["status"]["containerStatuses"][0]["state"];
    let reason = ["waiting", "terminated"]
        .iter()
        .find_map(|which| state[which]["reason"].as_str());
    reason.map_or_else(|| text(&pod["status"]["phase"]), str::to_owned)
}

fn restarts(pod: &Value) -> String {
    let count = pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
    count.unwrap_or(0).to_string()
}

fn external_ips(service: &Value) -> String {
    if service["spec"]["type"] != "LoadBalancer" {
        return service["spec"]
            .get("externalName")
            .map_or("<none>".to_owned(), text);
    }
    let given = join(&service["status"]["loadBalancer"]["ingress"], |i| {
        text(&i["ip"])
    });
    if given == "<none>" {
        "<pending>".to_owned()
    } else {
        given
    }
}

fn ports(service: &Value) -> String {
    join(&service["spec"]["ports"], |port| {
        let node = port["nodePort"]
            .as_u64()
            .map_or(String::new(), |n| format!(":{n}"));
        format!("{}{node}/{}", port["port"], text(&port["protocol"]))
    })
}

fn slice_ports(slice: &Value) -> String {
    join(&slice["ports"], |port| port["port"].to_string())
}
