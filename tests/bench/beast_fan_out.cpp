#include "beast_fan_out.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

namespace bench {

namespace asio = boost::asio;
namespace beast = boost::beast;

struct beast_connections::streams {
  std::vector<beast::websocket::stream<asio::ip::tcp::socket>> all;
};

beast_connections::beast_connections() : streams_(std::make_unique<streams>()) {}
beast_connections::beast_connections(beast_connections&&) noexcept = default;
beast_connections::~beast_connections() = default;

void beast_connections::add(asio::ip::tcp::socket s) {
  beast::http::request<beast::http::empty_body> upgrade(beast::http::verb::get, "/", 11);
  upgrade.set(beast::http::field::host, "localhost");
  upgrade.set(beast::http::field::upgrade, "websocket");
  upgrade.set(beast::http::field::connection, "Upgrade");
  upgrade.set(beast::http::field::sec_websocket_version, "13");
  upgrade.set(beast::http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  auto& ws = streams_->all.emplace_back(std::move(s));
  ws.auto_fragment(false);
  ws.write_buffer_bytes(64 * 1024);
  ws.accept(upgrade);
  ws.text(true);
}

asio::awaitable<void> beast_connections::write_to_all(std::string_view text) {
  for (auto& ws : streams_->all) co_await ws.async_write(asio::buffer(text), asio::use_awaitable);
}

}  // namespace bench
