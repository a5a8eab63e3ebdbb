// A peer of the benchmark: a WebSocket echo on Boost.Beast over TLS; prints "listening on PORT".
#include "beast_echo.hpp"

#include <boost/asio/ssl.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <memory>

int main(int argc, char** argv) {
  constexpr auto usage = "usage: beast_tls_echo --port PORT --tls-cert FILE --tls-key FILE [--tuned 0|1]";
  return bench::run(argc, argv, usage, {{"--tls-cert", ""}, {"--tls-key", ""}}, [](const bench::options& o) {
    namespace ssl = bench::asio::ssl;
    const auto tls = std::make_shared<ssl::context>(ssl::context::tls_server);
    tls->use_certificate_chain_file(o.at("--tls-cert"));
    tls->use_private_key_file(o.at("--tls-key"), ssl::context::pem);
    return [tls](bench::tcp::socket s) { return ssl::stream<bench::tcp::socket>(std::move(s), *tls); };
  });
}
