import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;

/** Answers every request that does not carry the token with 401 and an OperationOutcome. */
@Interceptor
public final class BearerToken {
    private final String expected;

    BearerToken(String token) {
        expected = "Bearer " + token;
    }

    @Hook(Pointcut.SERVER_INCOMING_REQUEST_PRE_HANDLER_SELECTED)
    public void check(RequestDetails request) {
        if (!expected.equals(request.getHeader("Authorization"))) {
            throw new AuthenticationException("The bearer token is missing or wrong.")
                    .addResponseHeader("WWW-Authenticate", "Bearer");
        }
    }
}
