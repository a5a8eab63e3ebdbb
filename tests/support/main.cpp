/// The entry point of every suite.
#define BOOST_TEST_MODULE coax
#include <boost/test/unit_test.hpp>
