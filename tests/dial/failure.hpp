/// How a dial ends that must not succeed.
#pragma once

#include <coax/dial.hpp>

#include <boost/test/unit_test.hpp>

namespace coax::test {

/// The error, or none.
inline task<error_code> failure(std::string url, dial_options options = {}, context ctx = {}) {
  try {
    const auto c = co_await dial(std::move(url), std::move(options), std::move(ctx));
  } catch (const system_error& e) {
    BOOST_TEST_MESSAGE(e.what());
    co_return e.code();
  }
  co_return error_code();
}

}  // namespace coax::test
