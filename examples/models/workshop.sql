-- SPDX-License-Identifier: MIT
-- The database of a bicycle workshop, with what databases in use have: keys of one and of two columns, keys of a table to
-- itself and twice to another one, tables that only join two others, pairs of columns that name a row of any table, a view.
--
--     rm -f workshop.db && sqlite3 workshop.db < workshop.sql
pragma page_size = 1024;
begin;

create table people (
    id integer primary key,
    name varchar(80) not null,
    email varchar(120) unique,
    born date,
    mentor_id integer references people (id) on delete set null
);

create table accounts ( -- one for each person at most: the key is also the reference
    person_id integer primary key references people (id) on delete cascade,
    balance decimal(10, 2) not null default 0,
    opened_at datetime not null default current_timestamp
);

create table addresses (
    id integer primary key,
    person_id integer not null references people (id) on delete cascade,
    street varchar(120) not null,
    "postal code" varchar(12) not null,
    city varchar(60) not null,
    country char(2) not null default 'CH'
);

create table categories (
    id integer primary key,
    name varchar(40) not null unique,
    parent_id integer references categories (id)
);

create table products (
    id integer primary key,
    sku char(8) not null unique,
    name varchar(100) not null,
    price decimal(10, 2) not null,
    weight real,
    active boolean not null default 1,
    details json,
    drawing blob
);
create index products_by_name on products (name);

create table product_categories (
    product_id integer not null references products (id) on delete cascade,
    category_id integer not null references categories (id) on delete cascade,
    primary key (product_id, category_id)
) without rowid;

create table suppliers (
    id integer primary key,
    name varchar(100) not null,
    rating smallint
);

create table supplies ( -- joins, and knows something of its own
    product_id integer not null references products (id),
    supplier_id integer not null references suppliers (id),
    cost decimal(10, 2) not null,
    primary key (product_id, supplier_id)
) without rowid;

create table orders (
    id integer primary key,
    person_id integer not null references people (id),
    billing_address_id integer not null references addresses (id),
    shipping_address_id integer references addresses (id),
    status varchar(12) not null default 'open',
    placed_at timestamp not null default current_timestamp,
    note text
);
create index orders_by_person on orders (person_id, placed_at);

create table order_lines (
    order_id integer not null references orders (id) on delete cascade,
    line_no integer not null,
    product_id integer not null references products (id),
    quantity integer not null default 1,
    price decimal(10, 2) not null,
    total decimal(12, 2) generated always as (quantity * price) stored,
    primary key (order_id, line_no)
);

create table parcels (
    id integer primary key,
    tracking varchar(30) not null unique,
    item_order_id integer not null,
    item_line_no integer not null,
    sent_at timestamp,
    foreign key (item_order_id, item_line_no) references order_lines (order_id, line_no)
);

create table repairs (
    id integer primary key,
    person_id integer not null references people (id),
    opened_by integer not null references people (id),
    closed_by integer references people (id),
    class varchar(20) not null,
    description text not null,
    hours numeric(5, 2)
);

create table comments (
    id integer primary key,
    author_id integer not null references people (id),
    commentable_type varchar(40) not null,
    commentable_id integer not null,
    body text not null,
    created_at timestamp not null default current_timestamp
);
create index comments_by_subject on comments (commentable_type, commentable_id);

create table photos (
    id integer primary key,
    imageable_type varchar(40) not null,
    imageable_id integer not null,
    url varchar(200) not null,
    caption varchar(200)
);

create table tags (
    id integer primary key,
    name varchar(30) not null unique
);

create table taggings (
    tag_id integer not null references tags (id) on delete cascade,
    taggable_type varchar(40) not null,
    taggable_id integer not null,
    primary key (tag_id, taggable_type, taggable_id)
);

create view order_totals as
select orders.id as order_id, people.name as customer, sum(order_lines.total) as total
from orders
join people on people.id = orders.person_id
join order_lines on order_lines.order_id = orders.id
group by orders.id;

insert into people values
    (1, 'Ada Keller', 'ada@workshop.example', '1961-04-12', null),
    (2, 'Bruno Rossi', 'bruno@workshop.example', '1990-11-02', 1),
    (3, 'Chiara Zoë Meier', null, null, 2);
insert into accounts (person_id, balance, opened_at) values (3, 120.5, '2024-02-29 09:00:00');
insert into addresses values
    (1, 3, 'Quellenweg 4', '3005', 'Bern', 'CH'),
    (2, 3, 'Via al Lago 9', '6900', 'Lugano', 'CH');
insert into categories values (1, 'Parts', null), (2, 'Brakes', 1), (3, 'Wheels', 1);
insert into products (id, sku, name, price, weight, details) values
    (1, 'BR-00017', 'Brake pad, pair', 14.9, 0.08, '{"colours": ["black"]}'),
    (2, 'WH-00700', 'Wheel 28"', 89, 1.9, null),
    (3, 'SP-00264', 'Spoke 264 mm', 1.2, 0.006, null);
insert into product_categories values (1, 2), (2, 3), (3, 3);
insert into suppliers values (1, 'Speichenwerk AG', 5), (2, 'Frenos & Cía.', 4);
insert into supplies values (1, 2, 6.2), (2, 1, 51), (3, 1, 0.4);
insert into orders values
    (1, 3, 1, 2, 'sent', '2024-03-01 10:15:00', null),
    (2, 3, 1, null, 'open', '2024-03-09 17:40:00', 'call first');
insert into order_lines (order_id, line_no, product_id, quantity, price) values
    (1, 1, 1, 2, 14.9), (1, 2, 3, 36, 1.2), (2, 1, 2, 1, 89);
insert into parcels values (1, 'CH-99.00.123456', 1, 1, '2024-03-02 08:00:00');
insert into repairs values (1, 3, 2, 1, 'brakes', 'squeaks in the rain', 0.5), (2, 3, 1, null, 'wheel', 'broken spoke', null);
insert into comments values
    (1, 3, 'Product', 1, 'Quiet, at last.', '2024-03-20 20:00:00'),
    (2, 1, 'Order', 1, 'Sent in two parcels.', '2024-03-02 08:05:00'),
    (3, 2, 'Repair', 1, 'Cleaned the rims.', '2024-03-04 11:30:00');
insert into photos values
    (1, 'Product', 2, 'photos/wheel.jpg', 'A wheel'),
    (2, 'Person', 1, 'photos/ada.jpg', null),
    (3, 'products', 1, 'photos/pad.jpg', 'As an earlier program wrote it');
insert into tags values (1, 'bestseller'), (2, 'regular');
insert into taggings values (1, 'Product', 3), (2, 'Person', 3), (2, 'Order', 2);
commit;
