// The same service on uWebSockets, by its own topics. Like the floor it looks at no JSON: a message
// is cut at its commas.
#include "push.hpp"

#include <App.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct Client {};
using WebSocket = uWS::WebSocket<false, true, Client>;

void reply(WebSocket& client, const bench::Push& push, std::string_view payload) {
    static std::string frame;
    frame.assign("[1,").append(push.join_ref).append(",").append(push.ref);
    frame.append(",0,").append(payload).append("]");
    client.send(frame, uWS::OpCode::TEXT);
}

void publish(uWS::App& app, const bench::Push& push) {
    static std::string frame;
    frame.assign("[2,").append(push.topic).append(",").append(push.event);
    frame.append(",").append(push.payload).append("]");
    app.publish(push.topic, frame, uWS::OpCode::TEXT);
}

void handle(uWS::App& app, WebSocket& client, const bench::Push& push) {
    if (push.event == "\"shout\"") {
        publish(app, push);
    } else if (push.event == "\"echo\"") {
        reply(client, push, push.payload);
    } else if (push.event == "\"_join\"") {
        reply(client, push, "{}");
        client.subscribe(push.topic);
    } else if (push.event == "\"_leave\"") {
        client.unsubscribe(push.topic);
        reply(client, push, "{}");
    }
}

} // namespace

int main(int argc, char** argv) {
    const int port = argc > 1 ? std::atoi(argv[1]) : 0;
    uWS::App app;
    uWS::App::WebSocketBehavior<Client> behavior;
    behavior.maxBackpressure = 16 * 1024 * 1024; // more is dropped, which is not wanted here
    behavior.message = [&app](auto* client, std::string_view message, uWS::OpCode) {
        handle(app, *client, bench::parse_push(message));
    };
    bool listening = false;
    app.ws<Client>("/*", std::move(behavior));
    app.listen("127.0.0.1", port, [&listening](auto* socket) { listening = socket != nullptr; });
    if (!listening) {
        std::fprintf(stderr, "uws: cannot listen at port %d\n", port);
        return 1;
    }
    app.run();
}
