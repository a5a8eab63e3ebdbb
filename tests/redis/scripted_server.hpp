/// A Redis that says what a test has it say.
#pragma once

#include "protocol/resp.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coax::test {

namespace asio = boost::asio;

/// Greets whoever comes, loads scripts and answers PINGs; all else is for the test.
class scripted_server {
 public:
  /// What the server answers to a command, as it goes over the wire; nothing for now if it is empty.
  using script = std::function<std::string(const std::string& command)>;

  scripted_server(asio::io_context& ioc, script s)
      : acceptor_(ioc, {asio::ip::address_v4::loopback(), 0}), script_(std::move(s)) {
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  std::string url() const { return "redis://" + address(); }
  /// What the test was asked, words with spaces between.
  const std::vector<std::string>& heard() const noexcept { return heard_; }
  /// To whoever has asked last.
  void say(const std::string& answer) { asio::write(last_->socket, asio::buffer(answer)); }

 private:
  struct guest {
    explicit guest(asio::ip::tcp::socket s) : socket(std::move(s)) {}
    asio::ip::tcp::socket socket;
    protocol::resp_parser parser;
  };

  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& ec, asio::ip::tcp::socket s) {
      if (ec) return;
      listen(std::make_shared<guest>(std::move(s)));
      accept();
    });
  }

  void listen(const std::shared_ptr<guest>& g) {
    const auto room = g->parser.prepare(4096);
    g->socket.async_read_some(asio::buffer(room.data(), room.size()),
                              [this, g](const boost::system::error_code& ec, std::size_t n) {
                                if (ec) return;
                                g->parser.commit(n);
                                while (const auto v = g->parser.next()) hear(g, *v);
                                listen(g);
                              });
  }

  void hear(const std::shared_ptr<guest>& g, const protocol::resp_value& v) {
    std::string command;
    for (const auto word : v) (command += command.empty() ? "" : " ") += word.text();
    std::string answer = "+OK\r\n";
    if (!command.starts_with("HELLO") && !command.starts_with("SCRIPT") && !command.starts_with("PING")) {
      heard_.push_back(command);
      last_ = g;
      answer = script_(command);
    }
    asio::write(g->socket, asio::buffer(answer));
  }

  asio::ip::tcp::acceptor acceptor_;
  script script_;
  std::vector<std::string> heard_;
  std::shared_ptr<guest> last_;
};

}  // namespace coax::test
