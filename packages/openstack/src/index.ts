export { credentialsFromClouds, credentialsFromEnvironment, type Environment } from "./access.ts";
export type { Barbican } from "./barbican/barbican.ts";
export { readSecretReference, type SecretHolders, type SecretReference } from "./barbican/references.ts";
export type { SecretReaders, SecretRecord, Secrets } from "./barbican/secrets.ts";
export type { Attachment, AttachmentCreation, Attachments } from "./cinder/attachments.ts";
export type { Cinder } from "./cinder/cinder.ts";
export type { VolumeLimits, VolumeQuotas } from "./cinder/limits.ts";
export type { UserMessage, UserMessages } from "./cinder/messages.ts";
export type { StoragePool, StoragePools } from "./cinder/pools.ts";
export type { VolumeSnapshot, VolumeSnapshots } from "./cinder/snapshots.ts";
export type { VolumeType, VolumeTypes } from "./cinder/volume-types.ts";
export type { Volume, VolumeCreation, VolumeFilter, VolumeGoal, Volumes } from "./cinder/volumes.ts";
export { type Cloud, type CloudOptions, connectCloud } from "./cloud.ts";
export type {
  CloudAccess,
  Credentials,
  DomainReference,
  EndpointInterface,
  NamedReference,
  Scope,
} from "./credentials.ts";
export type { Glance } from "./glance/glance.ts";
export type { Image, ImageChange, ImageCreation, ImageFilter, ImageGoal, Images } from "./glance/images.ts";
export type {
  ApplicationCredential,
  ApplicationCredentialCreation,
  ApplicationCredentials,
} from "./keystone/application-credentials.ts";
export type { Domain, Domains } from "./keystone/domains.ts";
export type { Keystone } from "./keystone/keystone.ts";
export type { Grant, Project, ProjectCreation, Projects } from "./keystone/projects.ts";
export type { Role, RoleAssignment, Roles } from "./keystone/roles.ts";
export { type SecretSeal, secretSeal } from "./keystone/secret-seal.ts";
export type { Endpoint, EndpointCreation, Service, ServiceCreation, Services } from "./keystone/services.ts";
export type {
  CatalogueEndpoint,
  CatalogueService,
  Token,
  TokenProject,
  Tokens,
  TokenTrust,
  TokenUser,
} from "./keystone/tokens.ts";
export type { Trust, TrustCreation, Trusts } from "./keystone/trusts.ts";
export type { User, UserCreation, Users } from "./keystone/users.ts";
export type {
  FloatingIp,
  FloatingIpChange,
  FloatingIpCreation,
  FloatingIpFilter,
  FloatingIps,
} from "./neutron/floating-ips.ts";
export type { Network, NetworkFields, NetworkFilter, Networks } from "./neutron/networks.ts";
export type { Neutron } from "./neutron/neutron.ts";
export type {
  AddressPair,
  FixedIp,
  Port,
  PortChange,
  PortCreation,
  PortFilter,
  Ports,
} from "./neutron/ports.ts";
export type { NetworkLimits, NetworkQuotas } from "./neutron/quota.ts";
export type { NeutronResource } from "./neutron/resource.ts";
export type {
  Router,
  RouterChange,
  RouterFields,
  RouterFilter,
  RouterGateway,
  RouterLeg,
  Routers,
} from "./neutron/routers.ts";
export type {
  SecurityGroup,
  SecurityGroupFields,
  SecurityGroupFilter,
  SecurityGroupRule,
  SecurityGroupRuleCreation,
  SecurityGroupRules,
  SecurityGroups,
} from "./neutron/security-groups.ts";
export type {
  AddressRange,
  HostRoute,
  Subnet,
  SubnetChange,
  SubnetCreation,
  SubnetFilter,
  Subnets,
} from "./neutron/subnets.ts";
export { type Announcement, announcementOf, isDisturbing } from "./notifications/codec.ts";
export { type BusHost, parseTransportUrl } from "./notifications/transport-url.ts";
export type {
  AvailabilityZone,
  AvailabilityZones,
  ComputeService,
  ComputeServices,
} from "./nova/availability-zones.ts";
export type { Flavor, FlavorCreation, Flavors } from "./nova/flavors.ts";
export type { Interface, Interfaces } from "./nova/interfaces.ts";
export type { KeyPair, KeyPairs } from "./nova/key-pairs.ts";
export type { ComputeLimits, Limits } from "./nova/limits.ts";
export type { Nova } from "./nova/nova.ts";
export type { ServerGroup, ServerGroups } from "./nova/server-groups.ts";
export type {
  BlockDevice,
  Server,
  ServerAddress,
  ServerCreation,
  ServerFilter,
  ServerFlavor,
  ServerGoal,
  ServerNic,
  Servers,
} from "./nova/servers.ts";
export type {
  VolumeAttachment,
  VolumeAttachmentCreation,
  VolumeAttachments,
} from "./nova/volume-attachments.ts";
export type { Placement, RoomDemand } from "./placement/placement.ts";
export type { Allowance } from "./wire/allowance.ts";
export type { ServiceType } from "./wire/catalogue.ts";
export { VersionMemory } from "./wire/discovery.ts";
export type { CloudLogEntry } from "./wire/exchange.ts";
export type { Json, JsonObject } from "./wire/json.ts";
export { type CloudReply, cloudReplyOf, type OpenStackCode, requestIdsOf } from "./wire/refusal.ts";
export { secureFetch, type Tls } from "./wire/secure-fetch.ts";
export type { WaitLimit } from "./wire/waiting.ts";
