#!/bin/sh
# Called by udhcpc with what it was given in the environment.
case $1 in
  deconfig)
    ip addr flush dev "$interface"
    ip link set "$interface" up
    ;;
  bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/$mask" dev "$interface"
    [ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
    for each in $router; do
      ip route replace default via "$each" dev "$interface"
      break
    done
    # Pairs of network and gateway.
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      [ "$1" = 0.0.0.0/0 ] || ip route replace "$1" via "$2" dev "$interface"
      shift 2
    done
    : >/etc/resolv.conf
    for each in $dns; do echo "nameserver $each" >>/etc/resolv.conf; done
    ;;
esac
