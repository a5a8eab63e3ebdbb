// Reads a stream of events from stdin, parses it in pieces of random sizes, and prints the events as lines of JSON:
//     print_events SEED < stream

#include "protocol/event_parser.hpp"

#include <boost/json/serialize.hpp>

#include <iostream>
#include <iterator>
#include <random>

int main(int, char** argv) {
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(std::stoul(argv[1])));
  const std::string stream{std::istreambuf_iterator<char>(std::cin), {}};
  coax::protocol::event_parser parser;
  std::string_view rest = stream;
  while (!rest.empty()) {
    const auto size = std::min<std::size_t>(1 + random() % 8, rest.size());
    auto piece = rest.substr(0, size);
    rest.remove_prefix(size);
    while (!piece.empty() && parser.feed(piece) == coax::protocol::event_parser::verdict::event) {
      const auto e = parser.take();
      const boost::json::value line = {{"type", e.type()}, {"id", e.id()}, {"data", e.data()}};
      std::cout << boost::json::serialize(line) << '\n';
    }
  }
}
