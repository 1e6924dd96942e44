/** Outside of `/v1`: the banner, and the page. */
import { page } from '../ui/page.ts';
import { file, text } from './answers.ts';
import type { Route } from './transport.ts';

export function rootRoutes(): Route[] {
  const html = () => file(page, 'text/html; charset=utf-8');
  return [
    { path: '/', methods: { GET: () => text(200, 'Consul Agent') } },
    { path: '/ui', methods: { GET: html } },
    { path: '/ui/', methods: { GET: html } },
  ];
}
