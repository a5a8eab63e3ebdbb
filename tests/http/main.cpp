#define BOOST_TEST_MODULE coax http
#include <boost/test/unit_test.hpp>
