export interface CephPlace {
  readonly folder: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly gatewayPort: number;
}

/**
 * `ceph.conf` of a cluster of one monitor, one object store in memory and one gateway, on loopback, without
 * authentication among the daemons. The gateway insists on an encrypted connection to the monitor unless told
 * otherwise, which there is none of without keys. A killed gateway's watches end after a second: until then
 * its successor makes no bucket.
 */
export function cephConfiguration({ folder, fsid, monitorPort, gatewayPort }: CephPlace): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}/0]
mon initial members = a
public addr = 127.0.0.1
ms bind ipv4 = true
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
run dir = ${folder}
admin socket = ${folder}/$name.sock
log file = ${folder}/$name.log
pid file = ${folder}/$name.pid
crash dir = ${folder}/crash
mon data = ${folder}/mon
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd client watch timeout = 1
osd class load list = *
osd class default list = *
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 0
paxos propose interval = 0.05
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw thread pool size = 32
rgw num rados handles = 1
rgw run sync thread = false
rgw bucket quota ttl = 0
debug rgw = 0
`;
}
