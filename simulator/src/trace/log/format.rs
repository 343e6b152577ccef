//! Detects which log a line belongs to, and reads it.

use std::borrow::Cow;

use super::prefix::unprefixed;
use super::{Fault, Request, alb, api_gateway, cloudfront, common, json, lambda, waf};

/// Which log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Common or Combined Log Format.
    Common,
    /// Application Load Balancer.
    Alb,
    /// CloudFront standard log in W3C format.
    CloudFront,
    /// CloudFront standard log v2, a JSON object a line.
    CloudFrontJson,
    /// API Gateway access log, a JSON object a line.
    ApiGateway,
    /// API Gateway access log, an XML element a line.
    ApiGatewayXml,
    /// API Gateway access log, comma-separated.
    ApiGatewayCsv,
    /// AWS WAF log.
    Waf,
    /// REPORT lines of a Lambda function's own log.
    Lambda,
}

impl LogFormat {
    /// The name of the format.
    pub const fn label(self) -> &'static str {
        match self {
            LogFormat::Common => "access log (Common or Combined)",
            LogFormat::Alb => "access log (Application Load Balancer)",
            LogFormat::CloudFront => "access log (CloudFront)",
            LogFormat::CloudFrontJson => "access log (CloudFront, JSON)",
            LogFormat::ApiGateway => "access log (API Gateway)",
            LogFormat::ApiGatewayXml => "access log (API Gateway, XML)",
            LogFormat::ApiGatewayCsv => "access log (API Gateway, CSV)",
            LogFormat::Waf => "log of AWS WAF",
            LogFormat::Lambda => "log of Lambda (REPORT)",
        }
    }

    /// The format of which a line is by itself; a line that CloudWatch Logs gave out may have its time before it.
    pub fn of_line(line: &str, logged_s: Option<i64>) -> Option<LogFormat> {
        if line.starts_with("#Version:") || line.starts_with("#Fields:") {
            return Some(LogFormat::CloudFront);
        }
        let found = unprefixed(line);
        let logged_s = found.logged_s.or(logged_s);
        let of_message = |message: &Cow<'_, str>| of_message(message.trim(), logged_s);
        found.messages.iter().find_map(of_message).or_else(|| common_or_nameless(line))
    }

    /// Reads a line; `None` where it is no request and does not claim to be one. `header` is what an earlier line said
    /// of the columns, `logged_s` when CloudWatch Logs got the line, as its wrapper says.
    pub(super) fn parse<'l>(
        self,
        line: &'l str,
        logged_s: Option<i64>,
        header: &mut Option<cloudfront::Header>,
    ) -> Result<Option<Request<'l>>, Fault> {
        match self {
            LogFormat::Common => return common::parse(line).map(Some),
            LogFormat::CloudFront => return cloudfront::parse(line, header),
            _ => {}
        }
        let found = unprefixed(line);
        let logged_s = found.logged_s.or(logged_s);
        let mut wrong = None;
        for message in &found.messages {
            match self.parse_message(message.trim(), logged_s) {
                Ok(None) => {}
                Ok(request) => return Ok(request),
                Err(fault) => wrong = wrong.or(Some(fault)),
            }
        }
        wrong.map_or(Ok(None), Err)
    }

    fn parse_message(self, message: &str, logged_s: Option<i64>) -> Result<Option<Request<'static>>, Fault> {
        match self {
            LogFormat::Alb => alb::parse(message).map(|request| Some(request.owned())),
            LogFormat::CloudFrontJson => cloudfront::parse_json(message).map(Some),
            LogFormat::ApiGateway => api_gateway::parse(message, logged_s).map(Some),
            LogFormat::ApiGatewayXml => api_gateway::parse_xml(message, logged_s).map(Some),
            LogFormat::ApiGatewayCsv => api_gateway::parse_csv(message).map(Some),
            LogFormat::Waf => waf::parse(message).map(Some),
            LogFormat::Lambda => lambda::parse(message, logged_s),
            LogFormat::Common | LogFormat::CloudFront => Ok(None),
        }
    }
}

fn of_message(message: &str, logged_s: Option<i64>) -> Option<LogFormat> {
    if message.starts_with('{') {
        let object = json::object(message).ok()?;
        return if waf::is_of(&object) {
            Some(LogFormat::Waf)
        } else if cloudfront::is_of(&object) {
            Some(LogFormat::CloudFrontJson)
        } else if lambda::is_of(&object) {
            Some(LogFormat::Lambda)
        } else {
            api_gateway::is_of(&object, logged_s).then_some(LogFormat::ApiGateway)
        };
    }
    if lambda::is_of_text(message) {
        return Some(LogFormat::Lambda);
    }
    if message.starts_with('<') {
        return api_gateway::parse_xml(message, logged_s).is_ok().then_some(LogFormat::ApiGatewayXml);
    }
    if alb::parse(message).is_ok() {
        return Some(LogFormat::Alb);
    }
    api_gateway::parse_csv(message).is_ok().then_some(LogFormat::ApiGatewayCsv)
}

fn common_or_nameless(line: &str) -> Option<LogFormat> {
    if common::parse(line).is_ok() {
        return Some(LogFormat::Common);
    }
    cloudfront::is_nameless(line).then_some(LogFormat::CloudFront)
}
