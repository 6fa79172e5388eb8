export { metaCertificate } from "./meta-certificate.ts";
export {
  certificatePin,
  type SelfSignedOptions,
  type ServerCertificate,
  selfSignedCertificate,
} from "./self-signed.ts";
