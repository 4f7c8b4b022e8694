"""Every variable that gateway/sandbox/config/*.yaml takes from the environment, with its made-up value."""

from __future__ import annotations

from gateway.sandbox.accounts import Accounts, made_up
from gateway.sandbox.server import HOST


def variables(sandbox_port: int, smtp_port: int, gateway_port: int) -> dict[str, str]:
    """For the gateway's environment: addresses of the stand-ins, and the accounts they know.

    The names begin with SANDBOX_ (GATEWAY_ is the gateway's own and checked by it).
    """
    own = Accounts()
    return {
        "SANDBOX_URL": f"http://{HOST}:{sandbox_port}",
        "SANDBOX_SMTP_PORT": str(smtp_port),
        "SANDBOX_GATEWAY_URL": f"http://{HOST}:{gateway_port}",
        "SANDBOX_MESSAGE_ID_KEY": made_up("message id key"),
        "SANDBOX_KUAIDI100_CUSTOMER": own.kuaidi100_customer,
        "SANDBOX_KUAIDI100_KEY": own.kuaidi100_key,
        "SANDBOX_KUAIDI100_SECRET": own.kuaidi100_secret,
        "SANDBOX_KUAIDI100_SALT": own.kuaidi100_salt,
        "SANDBOX_SF_PARTNER_ID": own.sf_partner_id,
        "SANDBOX_SF_CHECK_WORD": own.sf_check_word,
        "SANDBOX_SF_WEBHOOK_TOKEN": own.sf_webhook_token,
        "SANDBOX_ZTO_APP_KEY": own.zto_app_key,
        "SANDBOX_ZTO_APP_SECRET": own.zto_app_secret,
        "SANDBOX_ZTO_ACCOUNT_ID": own.zto_account_id,
        "SANDBOX_ZTO_ACCOUNT_PASSWORD": own.zto_account_password,
        "SANDBOX_UPS_CLIENT_ID": own.ups_client_id,
        "SANDBOX_UPS_CLIENT_SECRET": own.ups_client_secret,
        "SANDBOX_UPS_ACCOUNT": own.ups_account,
        "SANDBOX_UPS_CREDENTIAL": own.ups_credential,
        "SANDBOX_EASYPOST_API_KEY": own.easypost_api_key,
        "SANDBOX_EASYPOST_WEBHOOK_SECRET": own.easypost_webhook_secret,
        "SANDBOX_ALIYUN_ACCESS_KEY_ID": own.aliyun_access_key_id,
        "SANDBOX_ALIYUN_ACCESS_KEY_SECRET": own.aliyun_access_key_secret,
        "SANDBOX_ALIYUN_TOKEN": own.aliyun_token,
        "SANDBOX_WECHAT_APPID": own.wechat_appid,
        "SANDBOX_WECHAT_SECRET": own.wechat_secret,
        "SANDBOX_WECHAT_TOKEN": own.wechat_token,
        "SANDBOX_WECHAT_AES_KEY": own.wechat_encoding_aes_key,
        "SANDBOX_WECOM_KEY": own.wecom_key,
    }
