// Prints the version of the installed library. With an argument it would also use what others are
// linked for: LMDB, ZeroMQ, libcurl.
#include <skald/client.h>
#include <skald/etcd.h>
#include <skald/version.h>

#include <cstdio>

int main(int count, char** arguments) {
    std::puts(skald::kVersion);
    if (count < 2) {
        return 0;
    }
    skald::ClientOptions node;
    node.servers = {arguments[1]};
    skald::coord::EtcdOptions etcd;
    etcd.endpoints = {arguments[1]};
    return skald::coord::open_coord(arguments[1]) && skald::coord::connect_coord(node) &&
                   skald::coord::connect_etcd(etcd)
               ? 0
               : 1;
}
