"""What python-openstackclient asks of a plug-in: a client of the API, and the options that it needs."""

from keystoneauth1 import adapter

API_NAME = "workloads"
API_VERSION_OPTION = "os_workloads_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = {"1": "cairn_openstack.plugin"}
SERVICE_TYPE = "workloads"


def build_option_parser(parser):
    """Adds the options that stand before the command."""
    parser.add_argument(
        "--os-workloads-api-version",
        metavar="<workloads-api-version>",
        default=DEFAULT_API_VERSION,
        choices=sorted(API_VERSIONS),
        help="version of Cairn's API, default: 1",
    )
    parser.add_argument(
        "--os-workloads-endpoint",
        metavar="<url>",
        default=None,
        help="address of Cairn's API instead of the catalogue's",
    )
    return parser


def make_client(instance):
    """A way to the API with the token, region and interface of the session."""
    return adapter.Adapter(
        session=instance.session,
        service_type=SERVICE_TYPE,
        interface=instance.interface,
        region_name=instance.region_name,
        endpoint_override=instance._cli_options.config.get("workloads_endpoint"),
        user_agent="cairn-openstackclient",
    )
