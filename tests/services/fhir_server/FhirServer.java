import ca.uhn.fhir.rest.server.RestfulServer;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** HAPI FHIR JPA (R4, H2 in memory) at http://127.0.0.1:PORT/fhir. Arguments: PORT, then a bearer TOKEN or nothing. */
final class FhirServer {
    private FhirServer() {}

    public static void main(String[] arguments) throws Exception {
        var port = Integer.parseInt(arguments[0]);
        var fhir = new AnnotationConfigApplicationContext(Store.class).getBean(RestfulServer.class);
        if (arguments.length > 1) {
            fhir.registerInterceptor(new BearerToken(arguments[1]));
        }
        var handler = new ServletContextHandler();
        handler.addServlet(new ServletHolder(fhir), "/fhir/*");
        var server = new Server(new InetSocketAddress("127.0.0.1", port));
        server.setHandler(handler);
        server.start();
        server.join();
    }
}
