// The separately compiled parts of Asio and Beast, for all rooms that stand on this one.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
