#define BOOST_TEST_MODULE dial
#include <boost/test/unit_test.hpp>
