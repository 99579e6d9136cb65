// The least that an application does with the library: it needs the headers and links all parts.
#include <chain/chain.hpp>
#include <chain/server.hpp>

int main() {
    chain::Channel room{"room:*"};
    room.on("echo", [](chain::Socket&, const chain::Json& payload) -> chain::Reply {
        return chain::Reply::ok(payload);
    });

    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(room);

    chain::Server server{{.port = 0}};
    server.mount(handler);
    return handler.serves("/socket/websocket") && !handler.serves("/socketfoo") ? 0 : 1;
}
