/* The peer of bench/indi-blob.bench.ts: receives BLOBs as libindi's own client does, with lilxml and from64tobits_fast.
 * Each line of the standard input is "PORT REPEAT FILE"; the answer is the CPU and wall time of one reception in milliseconds.
 * FILE, when not "-", receives the last BLOB's bytes. */
#include <arpa/inet.h>
#include <libindi/base64.h>
#include <libindi/lilxml.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* MAXINDIBUF of libindi's client. */
static char chunk[49152];
static char *blob;
static int blobLength;

static double cpuMs(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return 1e3 * (used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1e-3 * (used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double wallMs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e3 * now.tv_sec + 1e-6 * now.tv_nsec;
}

static int receive(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int server = socket(AF_INET, SOCK_STREAM, 0), found = 0;
  const char question[] = "<enableBLOB device=\"CCD Simulator\" name=\"CCD1\">Only</enableBLOB>\n";
  if (connect(server, (struct sockaddr *)&address, sizeof address) < 0) return 0;
  if (write(server, question, sizeof question - 1) < 0) return 0;
  LilXML *parser = newLilXML();
  char message[2048];
  while (!found) {
    ssize_t bytes = recv(server, chunk, sizeof chunk, 0);
    if (bytes <= 0) break;
    XMLEle **nodes = parseXMLChunk(parser, chunk, (int)bytes, message);
    if (!nodes) break;
    for (int i = 0; nodes[i]; i++) {
      XMLEle *element = findXMLEle(nodes[i], "oneBLOB");
      if (element && atoi(findXMLAttValu(element, "size")) > 0) {
        int length = pcdatalenXMLEle(element);
        free(blob);
        blob = malloc(3 * (size_t)length / 4 + 3);
        blobLength = from64tobits_fast(blob, pcdataXMLEle(element), length);
        found = blobLength > 0;
      }
      delXMLEle(nodes[i]);
    }
    free(nodes);
  }
  delLilXML(parser);
  close(server);
  return found;
}

int main(void) {
  int port, repeat;
  char file[1024];
  while (scanf("%d %d %1023s", &port, &repeat, file) == 3) {
    double cpu = cpuMs(), wall = wallMs();
    int good = 1;
    for (int i = 0; i < repeat; i++) good = receive(port) && good;
    cpu = (cpuMs() - cpu) / repeat;
    wall = (wallMs() - wall) / repeat;
    if (strcmp(file, "-") != 0) {
      FILE *out = fopen(file, "wb");
      if (!out || (int)fwrite(blob, 1, blobLength, out) != blobLength) good = 0;
      if (out) fclose(out);
    }
    printf(good ? "{\"cpuMs\":%f,\"wallMs\":%f}\n" : "{\"failed\":true}\n", cpu, wall);
    fflush(stdout);
  }
  return 0;
}
