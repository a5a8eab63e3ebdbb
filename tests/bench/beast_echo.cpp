// A peer of the benchmark: a WebSocket echo on Boost.Beast with coroutines; prints "listening on PORT".
#include "beast_echo.hpp"

int main(int argc, char** argv) {
  constexpr auto usage = "usage: beast_echo --port PORT [--tuned 0|1] [--deflate off|takeover|no-takeover]";
  return bench::run(argc, argv, usage, {},
                    [](const bench::options&) { return [](bench::tcp::socket s) { return s; }; });
}
