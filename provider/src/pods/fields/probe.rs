//! Fields of probes and hooks.

use k8s_openapi::api::core::v1::{
    ExecAction, HTTPGetAction, HTTPHeader, Lifecycle, LifecycleHandler, Probe, SleepAction, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::walk::{Walk, some, some_text};

const NO_SUCH_PORT: &str = "give its number, or name the port";

fields! {
    /// Walks over a liveness or readiness probe.
    fn walk_probe(Probe, walk) {
        exec "exec" inside(walk_exec);
        failure_threshold "failureThreshold" sent("`FailureThreshold`");
        grpc "grpc"
            left_out(grpc.is_some(), "", "ECI knows exec, httpGet and tcpSocket only") shown "containers/probes-that-eci-has-not";
        http_get "httpGet" inside(walk_http_probe);
        initial_delay_seconds "initialDelaySeconds" sent("`InitialDelaySeconds`");
        period_seconds "periodSeconds" sent("`PeriodSeconds`");
        success_threshold "successThreshold"
            left_out(success_threshold.is_some_and(|times| times > 1), " above 1", "ECI counts one success");
        tcp_socket "tcpSocket" inside(walk_tcp_probe);
        termination_grace_period_seconds "terminationGracePeriodSeconds"
            left_out(termination_grace_period_seconds.is_some(), "", "the pod's own holds") shown "containers/probes-that-eci-has-not";
        timeout_seconds "timeoutSeconds" sent("`TimeoutSeconds`");
    }
}

fields! {
    fn walk_exec(ExecAction, walk) {
        command "command" sent("`Exec.Command`");
    }
}

fields! {
    fn walk_http_probe(HTTPGetAction, walk) {
        host "host" left_out(some_text(host), "", "ECI asks the instance's own address");
        http_headers "httpHeaders"
            left_out(some(http_headers), "", "ECI sends none") shown "containers/probes-that-eci-has-not";
        path "path" sent("`HttpGet.Path`");
        port "port"
            sent("`HttpGet.Port`"),
            refused(is_unknown(port, walk), " of a name that no port has", NO_SUCH_PORT) shown "containers/port-without-a-name";
        scheme "scheme" sent("`HttpGet.Scheme`");
    }
}

fields! {
    fn walk_tcp_probe(TCPSocketAction, walk) {
        host "host" left_out(some_text(host), "", "ECI asks the instance's own address");
        port "port" sent("`TcpSocket.Port`"), refused(is_unknown(port, walk), " of a name that no port has", NO_SUCH_PORT);
    }
}

fields! {
    /// Walks over the hooks of a container.
    fn walk_lifecycle(Lifecycle, walk) {
        post_start "postStart" inside(walk_handler);
        pre_stop "preStop" inside(walk_handler);
        stop_signal "stopSignal" left_out(some_text(stop_signal), "", "ECI sends the image's own signal");
    }
}

fields! {
    fn walk_handler(LifecycleHandler, walk) {
        exec "exec" inside(walk_exec_hook);
        http_get "httpGet" inside(walk_http_hook);
        sleep "sleep" inside(walk_sleep);
        tcp_socket "tcpSocket" inside(walk_tcp_hook);
    }
}

fields! {
    fn walk_exec_hook(ExecAction, walk) {
        command "command" sent("`…HandlerExec`");
    }
}

fields! {
    fn walk_sleep(SleepAction, walk) {
        seconds "seconds" sent("`…HandlerExec`, as the command `sleep`, which the image must have");
    }
}

fields! {
    fn walk_http_hook(HTTPGetAction, walk) {
        host "host" sent("`…HandlerHttpGetHost`");
        http_headers "httpHeaders" each(walk_header);
        path "path" sent("`…HandlerHttpGetPath`");
        port "port" sent("`…HandlerHttpGetPort`"), refused(is_unknown(port, walk), " of a name that no port has", NO_SUCH_PORT);
        scheme "scheme" sent("`…HandlerHttpGetScheme`");
    }
}

fields! {
    fn walk_header(HTTPHeader, walk) {
        name "name" sent("`…HandlerHttpGetHttpHeader.Name`");
        value "value" sent("`…HandlerHttpGetHttpHeader.Value`");
    }
}

fields! {
    fn walk_tcp_hook(TCPSocketAction, walk) {
        host "host" sent("`…HandlerTcpSocketHost`");
        port "port" sent("`…HandlerTcpSocketPort`"), refused(is_unknown(port, walk), " of a name that no port has", NO_SUCH_PORT);
    }
}

/// True for a port's name that no port of the container has, and that is no number.
fn is_unknown(port: &IntOrString, walk: &Walk) -> bool {
    match port {
        IntOrString::Int(_) => false,
        IntOrString::String(name) => !walk.has_port(name) && name.parse::<i32>().is_err(),
    }
}
