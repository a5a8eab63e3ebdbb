#define BOOST_TEST_MODULE coax core
#include <boost/test/unit_test.hpp>
