"""The made-up accounts that the stand-ins keep for the gateway. Nothing here opens anything anywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


def made_up(name: str, length: int = 32) -> str:
    """A secret of the sandbox: always the same for a name, in lower-case hex (at most 64 letters)."""
    return hashlib.sha256(f"carrier gateway sandbox: {name}".encode()).hexdigest()[:length]


def _secret(name: str, length: int = 32) -> str:
    return field(default_factory=lambda: made_up(name, length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Names follow the providers' own words. Tests may put their own values in."""

    kuaidi100_customer: str = _secret("kuaidi100 customer")
    kuaidi100_key: str = _secret("kuaidi100 key", 12)
    kuaidi100_secret: str = _secret("kuaidi100 secret")
    kuaidi100_salt: str = _secret("kuaidi100 salt", 24)
    sf_partner_id: str = "SANDBOX"
    sf_check_word: str = _secret("sf check word")
    sf_webhook_token: str = _secret("sf webhook token", 40)
    zto_app_key: str = _secret("zto app key", 20)
    zto_app_secret: str = _secret("zto app secret")
    zto_account_id: str = "sandbox-account"
    zto_account_password: str = _secret("zto account password", 16)
    ups_client_id: str = _secret("ups client id")
    ups_client_secret: str = _secret("ups client secret", 48)
    ups_account: str = "A1B2C3"
    ups_credential: str = _secret("ups credential", 40)
    easypost_api_key: str = field(default_factory=lambda: "EZTK" + made_up("easypost api key", 40))
    easypost_webhook_secret: str = _secret("easypost webhook secret")
    aliyun_access_key_id: str = _secret("aliyun access key id", 24)
    aliyun_access_key_secret: str = _secret("aliyun access key secret", 30)
    aliyun_sign_name: str = "示例包裹"
    aliyun_token: str = _secret("aliyun receipts token", 40)
    wechat_appid: str = field(default_factory=lambda: "wx" + made_up("wechat appid", 16))
    wechat_secret: str = _secret("wechat secret")
    wechat_token: str = _secret("wechat token")
    wechat_encoding_aes_key: str = _secret("wechat aes key", 43)
    wecom_key: str = _secret("wecom robot key", 36)
    wecom_corpid: str = field(default_factory=lambda: "ww" + made_up("wecom corpid", 16))
    wecom_corpsecret: str = _secret("wecom corpsecret", 43)
    wecom_agentid: int = 1000002
    smtp_username: str = ""
    smtp_password: str = ""
